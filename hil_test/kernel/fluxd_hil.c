// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Hardware that is not there, for tests of what uses it through the kernel: a GPIO chip whose lines may be joined by wires, a PWM chip
 * whose channels come out on four of these lines, and an I2C bus whose devices a program plays.
 *
 * Lines are named GPIO0 to GPIO53. A wire between two of them, and whatever else a test does to them, is written to a parameter:
 *
 *	echo 17-27 > /sys/module/fluxd_hil/parameters/wire	join the two lines
 *	echo 17-27 > /sys/module/fluxd_hil/parameters/cut	and part them
 *	echo 5,6,430000 > /sys/module/fluxd_hil/parameters/weigh	an HX711: clock line, data line, what it has counted
 *
 * The PWM channels 0 to 3 come out on GPIO12, GPIO13, GPIO18 and GPIO19, as on a Raspberry Pi. Whoever last made a line do something, the
 * GPIO chip or the PWM chip, has it.
 *
 * /dev/fluxd-hil-i2c is the other end of the I2C bus. A read waits for a transfer and gives a struct request with the bytes that were
 * written; the answer is written back as a struct reply with the bytes that are read. While nobody has it open, nothing answers on the
 * bus; who does not answer in time has a stuck bus.
 */
#include <linux/gpio/driver.h>
#include <linux/hrtimer.h>
#include <linux/i2c.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pwm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#define LINES 54
#define CHANNELS 4
#define BYTES 4096

/* ---- lines ---- */

struct line {
	bool output, high;	/* what fluxd or a test makes of it */
	bool pulsed, pulse;	/* a PWM channel drives it, with this level */
	int pull;		/* the level that nobody drives: 0 or 1 */
	int wire;		/* the line at the other end; -1 without */
	bool seen;		/* the level when it was last looked at, for edges */
	bool rising, falling;	/* edges that somebody waits for */
	bool masked;
};

static struct line lines[LINES];
static DEFINE_RAW_SPINLOCK(lines_lock);
static struct gpio_chip chip;

static struct { int clock, data; u32 counts; int bit; } cell = { -1, -1 };

static bool drives(const struct line *l) { return l->output || l->pulsed; }
static bool driven_level(const struct line *l) { return l->output ? l->high : l->pulse; }

static bool level_of(int n)
{
	const struct line *l = &lines[n];

	if (drives(l))
		return driven_level(l);
	if (n == cell.data) /* ready is low; then the bits, the first at the first clock */
		return cell.bit > 0 && cell.bit <= 24 && (cell.counts >> (24 - cell.bit) & 1);
	if (l->wire >= 0 && drives(&lines[l->wire]))
		return driven_level(&lines[l->wire]);
	return l->pull;
}

/* settle tells edges; call it without the lock, after whatever may have changed a level. */
static void settle(int n)
{
	unsigned long flags;
	bool now, fire;
	struct line *l = &lines[n];

	raw_spin_lock_irqsave(&lines_lock, flags);
	now = level_of(n);
	fire = now != l->seen && !l->masked && (now ? l->rising : l->falling);
	l->seen = now;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	if (fire)
		generic_handle_domain_irq_safe(chip.irq.domain, n);
}

static void settle_both(int n)
{
	int wire = READ_ONCE(lines[n].wire);

	settle(n);
	if (wire >= 0)
		settle(wire);
}

/* The HX711 puts out a bit at each rising clock; after the 25th it converts anew. */
static void clocked(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lines_lock, flags);
	if (++cell.bit > 25)
		cell.bit = 1;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	settle(cell.data);
	if (cell.bit == 25) {
		raw_spin_lock_irqsave(&lines_lock, flags);
		cell.bit = 0;
		raw_spin_unlock_irqrestore(&lines_lock, flags);
		settle(cell.data);
	}
}

static int line_direction(struct gpio_chip *c, unsigned int n)
{
	return lines[n].output ? GPIO_LINE_DIRECTION_OUT : GPIO_LINE_DIRECTION_IN;
}

static void line_make(unsigned int n, bool output, bool high)
{
	unsigned long flags;
	bool rises;

	raw_spin_lock_irqsave(&lines_lock, flags);
	rises = output && high && !lines[n].high;
	lines[n].output = output;
	lines[n].high = high;
	lines[n].pulsed = false;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	settle_both(n);
	if (rises && n == cell.clock)
		clocked();
}

static int line_input(struct gpio_chip *c, unsigned int n)
{
	line_make(n, false, false);
	return 0;
}

static int line_output(struct gpio_chip *c, unsigned int n, int value)
{
	line_make(n, true, value);
	return 0;
}

static int line_get(struct gpio_chip *c, unsigned int n)
{
	unsigned long flags;
	int high;

	raw_spin_lock_irqsave(&lines_lock, flags);
	high = level_of(n);
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	return high;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
static int line_set(struct gpio_chip *c, unsigned int n, int value)
{
	line_make(n, lines[n].output, value);
	return 0;
}
#else
static void line_set(struct gpio_chip *c, unsigned int n, int value)
{
	line_make(n, lines[n].output, value);
}
#endif

static int line_config(struct gpio_chip *c, unsigned int n, unsigned long config)
{
	switch (pinconf_to_config_param(config)) {
	case PIN_CONFIG_BIAS_PULL_UP:
		lines[n].pull = 1;
		break;
	case PIN_CONFIG_BIAS_PULL_DOWN:
	case PIN_CONFIG_BIAS_DISABLE:
		lines[n].pull = 0;
		break;
	default:
		return -ENOTSUPP;
	}
	settle_both(n);
	return 0;
}

static void edge_mask(struct irq_data *d)
{
	lines[irqd_to_hwirq(d)].masked = true;
	gpiochip_disable_irq(&chip, irqd_to_hwirq(d));
}

static void edge_unmask(struct irq_data *d)
{
	gpiochip_enable_irq(&chip, irqd_to_hwirq(d));
	lines[irqd_to_hwirq(d)].masked = false;
}

static int edge_type(struct irq_data *d, unsigned int type)
{
	struct line *l = &lines[irqd_to_hwirq(d)];

	if (type & ~IRQ_TYPE_EDGE_BOTH)
		return -EINVAL;
	l->rising = type & IRQ_TYPE_EDGE_RISING;
	l->falling = type & IRQ_TYPE_EDGE_FALLING;
	return 0;
}

static const struct irq_chip edges = {
	.name = "fluxd-hil",
	.irq_mask = edge_mask,
	.irq_unmask = edge_unmask,
	.irq_set_type = edge_type,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

static const char *names[LINES];

static struct gpio_chip chip = {
	.label = "fluxd-hil",
	.owner = THIS_MODULE,
	.base = -1,
	.ngpio = LINES,
	.names = names,
	.get_direction = line_direction,
	.direction_input = line_input,
	.direction_output = line_output,
	.get = line_get,
	.set = line_set,
	.set_config = line_config,
};

static int two_lines(const char *text, int *one, int *other)
{
	if (sscanf(text, "%d-%d", one, other) != 2 || *one < 0 || *one >= LINES || *other < 0 || *other >= LINES || *one == *other)
		return -EINVAL;
	return 0;
}

static int join(const char *text, const struct kernel_param *p)
{
	int one, other, err = two_lines(text, &one, &other);

	if (err)
		return err;
	if (lines[one].wire >= 0 || lines[other].wire >= 0)
		return -EBUSY;
	lines[one].wire = other;
	lines[other].wire = one;
	settle_both(one);
	return 0;
}

static int cut(const char *text, const struct kernel_param *p)
{
	int one, other, err = two_lines(text, &one, &other);

	if (err)
		return err;
	if (lines[one].wire != other)
		return -ENOENT;
	lines[one].wire = lines[other].wire = -1;
	settle(one);
	settle(other);
	return 0;
}

static int weigh(const char *text, const struct kernel_param *p)
{
	int clock, data;
	unsigned int counts;

	if (sscanf(text, "%d,%d,%u", &clock, &data, &counts) != 3 || clock < 0 || clock >= LINES || data < 0 || data >= LINES)
		return -EINVAL;
	cell.clock = clock;
	cell.data = data;
	cell.counts = counts;
	cell.bit = 0;
	settle(data);
	return 0;
}

static const struct kernel_param_ops join_ops = { .set = join };
static const struct kernel_param_ops cut_ops = { .set = cut };
static const struct kernel_param_ops weigh_ops = { .set = weigh };
module_param_cb(wire, &join_ops, NULL, 0200);
module_param_cb(cut, &cut_ops, NULL, 0200);
module_param_cb(weigh, &weigh_ops, NULL, 0200);

/* ---- PWM ---- */

static const int channel_line[CHANNELS] = { 12, 13, 18, 19 };

static struct channel {
	struct hrtimer timer;
	int line;
	u64 on, off; /* ns */
	bool enabled;
} channels[CHANNELS];

/* pulse gives the line a level; with take, the line is the channel's from now on. */
static void pulse(struct channel *c, bool take, bool high)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lines_lock, flags);
	if (take) {
		lines[c->line].pulsed = true;
		lines[c->line].output = false;
	}
	lines[c->line].pulse = high;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	settle_both(c->line);
}

static enum hrtimer_restart turn(struct hrtimer *t)
{
	struct channel *c = container_of(t, struct channel, timer);
	bool high = !lines[c->line].pulse;

	pulse(c, false, high);
	hrtimer_add_expires_ns(t, high ? c->on : c->off); /* from when it was due: lateness does not add up */
	return HRTIMER_RESTART;
}

static int channel_apply(struct pwm_chip *p, struct pwm_device *d, const struct pwm_state *s)
{
	struct channel *c = &channels[d->hwpwm];

	if (s->polarity != PWM_POLARITY_NORMAL)
		return -EINVAL;
	hrtimer_cancel(&c->timer);
	c->enabled = s->enabled;
	c->on = s->duty_cycle;
	c->off = s->period - s->duty_cycle;
	if (!c->enabled || !c->on || !c->off) {
		pulse(c, c->enabled, c->enabled && c->on);
		return 0;
	}
	pulse(c, true, true);
	hrtimer_start(&c->timer, ns_to_ktime(c->on), HRTIMER_MODE_REL_HARD);
	return 0;
}

static const struct pwm_ops channel_ops = {
	.apply = channel_apply,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	.owner = THIS_MODULE,
#endif
};

static struct pwm_chip *pwm;

static int pwm_make(struct device *parent)
{
	int i;

	for (i = 0; i < CHANNELS; i++) {
		channels[i].line = channel_line[i];
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
		hrtimer_setup(&channels[i].timer, turn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
		hrtimer_init(&channels[i].timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		channels[i].timer.function = turn;
#endif
	}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	pwm = devm_pwmchip_alloc(parent, CHANNELS, 0);
	if (IS_ERR(pwm))
		return PTR_ERR(pwm);
#else
	pwm = devm_kzalloc(parent, sizeof(*pwm), GFP_KERNEL);
	if (!pwm)
		return -ENOMEM;
	pwm->dev = parent;
	pwm->npwm = CHANNELS;
#endif
	pwm->ops = &channel_ops;
	return devm_pwmchip_add(parent, pwm);
}

/* ---- I2C ---- */

struct request {
	u32 sequence;
	u16 address, written, wanted;	/* bytes */
	u16 padding;
} __packed;

struct reply {
	u32 sequence;
	s32 error;			/* 0, or a negative error number */
} __packed;

static DEFINE_MUTEX(bus_lock);		/* of the transfer under way; the kernel's own lock of the bus holds anyway */
static DECLARE_WAIT_QUEUE_HEAD(bus_asked);
static DECLARE_WAIT_QUEUE_HEAD(bus_answered);
static struct request asked;
static u8 asked_bytes[BYTES], answer_bytes[BYTES];
static bool bus_open, taken, answered;
static int answer_error;

static int transfer(struct i2c_adapter *a, struct i2c_msg *m, int count)
{
	struct i2c_msg *w = NULL, *r = NULL;
	long left;
	int i, err;

	for (i = 0; i < count; i++) { /* a write, a read, or a write and a read: what drivers do */
		if (m[i].flags & I2C_M_RD && !r)
			r = &m[i];
		else if (!(m[i].flags & I2C_M_RD) && !w && !r)
			w = &m[i];
		else
			return -EOPNOTSUPP;
		if (m[i].len > BYTES || m[i].addr != m[0].addr)
			return -EOPNOTSUPP;
	}
	mutex_lock(&bus_lock);
	if (!bus_open) {
		mutex_unlock(&bus_lock);
		return -EREMOTEIO; /* nobody acknowledges the address */
	}
	asked.sequence++;
	asked.address = m[0].addr;
	asked.written = w ? w->len : 0;
	asked.wanted = r ? r->len : 0;
	if (w)
		memcpy(asked_bytes, w->buf, w->len);
	taken = answered = false;
	mutex_unlock(&bus_lock);
	wake_up(&bus_asked);
	left = wait_event_timeout(bus_answered, READ_ONCE(answered), a->timeout);
	mutex_lock(&bus_lock);
	err = left ? answer_error : -ETIMEDOUT;
	if (!err && r)
		memcpy(r->buf, answer_bytes, r->len);
	answered = true; /* too late for this one */
	taken = true;
	mutex_unlock(&bus_lock);
	return err ? err : count;
}

static u32 functionality(struct i2c_adapter *a) { return I2C_FUNC_I2C; }

static const struct i2c_algorithm algorithm = { .master_xfer = transfer, .functionality = functionality };

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.name = "fluxd-hil",
	.algo = &algorithm,
	.nr = 1,
	.timeout = HZ,
};

static int player_open(struct inode *i, struct file *f)
{
	int err = 0;

	mutex_lock(&bus_lock);
	if (bus_open)
		err = -EBUSY;
	else
		asked.sequence++, taken = answered = true;
	bus_open = true;
	mutex_unlock(&bus_lock);
	return err;
}

static int player_release(struct inode *i, struct file *f)
{
	mutex_lock(&bus_lock);
	bus_open = false;
	if (!answered) {
		answer_error = -EREMOTEIO;
		answered = true;
	}
	mutex_unlock(&bus_lock);
	wake_up(&bus_answered);
	return 0;
}

static ssize_t player_read(struct file *f, char __user *to, size_t size, loff_t *at)
{
	int err = wait_event_interruptible(bus_asked, !READ_ONCE(taken));
	ssize_t n = -EINVAL;

	if (err)
		return err;
	mutex_lock(&bus_lock);
	if (size >= sizeof(asked) + asked.written) {
		n = sizeof(asked) + asked.written;
		if (copy_to_user(to, &asked, sizeof(asked)) || copy_to_user(to + sizeof(asked), asked_bytes, asked.written))
			n = -EFAULT;
		taken = true;
	}
	mutex_unlock(&bus_lock);
	return n;
}

static ssize_t player_write(struct file *f, const char __user *from, size_t size, loff_t *at)
{
	struct reply reply;
	ssize_t n = size;

	if (size < sizeof(reply) || copy_from_user(&reply, from, sizeof(reply)))
		return -EINVAL;
	mutex_lock(&bus_lock);
	if (reply.sequence != asked.sequence || answered) {
		n = -ESTALE; /* it was given up */
	} else if (!reply.error && size != sizeof(reply) + asked.wanted) {
		n = -EINVAL;
	} else if (!reply.error && copy_from_user(answer_bytes, from + sizeof(reply), asked.wanted)) {
		n = -EFAULT;
	} else {
		answer_error = reply.error;
		answered = true;
	}
	mutex_unlock(&bus_lock);
	wake_up(&bus_answered);
	return n;
}

static const struct file_operations player_ops = {
	.owner = THIS_MODULE,
	.open = player_open,
	.release = player_release,
	.read = player_read,
	.write = player_write,
};

static struct miscdevice player = { .minor = MISC_DYNAMIC_MINOR, .name = "fluxd-hil-i2c", .fops = &player_ops };

/* ---- the module ---- */

static struct platform_device *device;

static int __init begin(void)
{
	struct gpio_irq_chip *irq = &chip.irq;
	int i, err;

	for (i = 0; i < LINES; i++) {
		lines[i].wire = -1;
		lines[i].masked = true;
	}
	taken = answered = true;
	device = platform_device_register_simple("fluxd-hil", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	for (i = 0; i < LINES; i++) {
		names[i] = devm_kasprintf(&device->dev, GFP_KERNEL, "GPIO%d", i);
		if (!names[i]) {
			err = -ENOMEM;
			goto failed;
		}
	}
	chip.parent = &device->dev;
	gpio_irq_chip_set_chip(irq, &edges);
	irq->handler = handle_simple_irq;
	irq->default_type = IRQ_TYPE_NONE;
	err = devm_gpiochip_add_data(&device->dev, &chip, NULL);
	if (!err)
		err = pwm_make(&device->dev);
	if (!err)
		err = misc_register(&player);
	if (err)
		goto failed;
	err = i2c_add_numbered_adapter(&adapter);
	if (!err)
		return 0;
	misc_deregister(&player);
failed:
	platform_device_unregister(device);
	return err;
}

/* It is never taken out: the machine is thrown away after the test. */

module_init(begin);
MODULE_DESCRIPTION("Hardware that is not there, for tests");
MODULE_LICENSE("GPL");
