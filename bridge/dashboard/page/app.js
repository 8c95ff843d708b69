const link = document.getElementById("link");
const robot = await (await fetch("robot.json")).json();
document.title = robot.robot;
document.getElementById("robot").textContent = robot.robot + ", fluxd " + robot.version;
const socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/[?#].*/, "") + "mqtt", "mqtt");
socket.onopen = () => { link.textContent = "the server answers"; socket.close(); };
socket.onclose = end => { if (end.reason) link.textContent = end.reason; };
