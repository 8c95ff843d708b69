package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"

	"fluxd/bridge/webserver"
)

//go:embed page
var bundle embed.FS

// kinds has the content types of the page's files. The system's own table of types differs between systems.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".txt":  "text/plain; charset=utf-8",
}

// file is a file of the page.
type file struct {
	text []byte
	kind string
	tag  string // changes with the text

	packed func() []byte // the text compressed by gzip; the first call compresses it
}

// bundled returns the files of the page, by the path of their URL.
func bundled() map[string]file {
	all := map[string]file{}
	entries, err := bundle.ReadDir("page")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		kind, known := kinds[path.Ext(e.Name())]
		if !known {
			continue
		}
		text, err := bundle.ReadFile("page/" + e.Name())
		if err != nil {
			panic(err) // ReadDir listed it
		}
		sum := sha256.Sum256(text)
		packed := sync.OnceValue(func() []byte { return pack(text) })
		all["/"+e.Name()] = file{text, kind, `"` + hex.EncodeToString(sum[:8]) + `"`, packed}
	}
	all["/"] = all["/index.html"]
	return all
}

// pack compresses a text, to a third: a phone loads the page over the robot's own wireless network.
func pack(text []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return packed.Bytes()
}

// policy lets the page load its own files and connect to this server, and nothing else; no other page may show it in a frame
// (https://www.w3.org/TR/CSP3/).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// answer answers a request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	switch one, known := s.files[r.URL.Path]; {
	case r.URL.Path == "/mqtt" && r.Method == http.MethodHead:
		s.web.RefuseMethod(w, r)
	case r.URL.Path == "/mqtt":
		s.connect(w, r)
	case r.URL.Path == "/robot.json":
		s.describe(w)
	case known:
		h.Set("Cache-Control", "no-cache") // the browser asks whether its copy is still the same
		h.Set("ETag", one.tag)
		if strings.Contains(r.Header.Get("If-None-Match"), one.tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", one.kind)
		h.Set("Vary", "Accept-Encoding")
		text := one.text
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			text = one.packed()
		}
		h.Set("Content-Length", fmt.Sprint(len(text)))
		_, _ = w.Write(text) // an error means that the client has gone
	default:
		s.web.Refuse(w, r, webserver.WrongRequest, http.StatusNotFound, "no such page: expected /")
	}
}

// describe answers with what the page must know before it connects.
func (s *Server) describe(w http.ResponseWriter) {
	text, err := json.Marshal(struct {
		Robot   string `json:"robot"`
		Version string `json:"version"`
		Login   bool   `json:"login"`
	}{s.options.Robot, s.options.Version, s.options.Login})
	if err != nil {
		panic(err) // texts and a bool
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // an error means that the client has gone
}
