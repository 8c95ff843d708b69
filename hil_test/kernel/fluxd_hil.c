// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Simulated hardware for tests of programs that use hardware through the kernel: a GPIO chip whose lines can be joined by wires,
 * a PWM chip with four channels, and an I2C bus whose devices are simulated by a program.
 *
 * The GPIO lines are GPIO0 to GPIO53. Tests change them by writing to the module's parameters:
 *
 *	echo 17-27 > /sys/module/fluxd_hil/parameters/wire	join two lines
 *	echo 17-27 > /sys/module/fluxd_hil/parameters/cut	cut the wire between them
 *	echo 5,6,430000 > /sys/module/fluxd_hil/parameters/weigh	an HX711: clock line, data line, counts
 *
 * The PWM channels 0 to 3 appear at GPIO12, GPIO13, GPIO18 and GPIO19, as on a Raspberry Pi. If the GPIO chip and the PWM chip
 * use the same line, the last one to set it drives it.
 *
 * /dev/fluxd-hil-i2c is the device side of the I2C bus. A read waits for a transfer and returns a struct request, followed by the
 * bytes that the master has written. The program answers by writing a struct reply, followed by the bytes that the master reads.
 * While the file is not open, no device answers on the bus. If the program does not answer in time, the bus is stuck.
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
	bool output, high;	/* set through the GPIO chip */
	bool pulsed, pulse;	/* a PWM channel drives it, with this level */
	int pull;		/* the level while the line is not driven: 0 or 1 */
	int wire;		/* the line at the other end; -1: none */
	bool seen;		/* the last reported level */
	bool rising, falling;	/* edges that a driver waits for */
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
	if (n == cell.data) /* low: ready; then the bits, the first after the first clock */
		return cell.bit > 0 && cell.bit <= 24 && (cell.counts >> (24 - cell.bit) & 1);
	if (l->wire >= 0 && drives(&lines[l->wire]))
		return driven_level(&lines[l->wire]);
	return l->pull;
}

/* report_edge raises an interrupt if the level of a line has changed. Call it after each change, without the lock. */
static void report_edge(int n)
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

static void report_both_edges(int n)
{
	int wire = READ_ONCE(lines[n].wire);

	report_edge(n);
	if (wire >= 0)
		report_edge(wire);
}

/* The HX711 outputs a bit at each rising edge of its clock. After the 25th it starts a new conversion. */
static void clocked(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lines_lock, flags);
	if (++cell.bit > 25)
		cell.bit = 1;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	report_edge(cell.data);
	if (cell.bit == 25) {
		raw_spin_lock_irqsave(&lines_lock, flags);
		cell.bit = 0;
		raw_spin_unlock_irqrestore(&lines_lock, flags);
		report_edge(cell.data);
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
	report_both_edges(n);
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
	report_both_edges(n);
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
	report_both_edges(one);
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
	report_edge(one);
	report_edge(other);
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
	report_edge(data);
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

/* pulse sets the level of a channel's line. With claim, the PWM chip takes the line from the GPIO chip. */
static void pulse(struct channel *c, bool claim, bool high)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lines_lock, flags);
	if (claim) {
		lines[c->line].pulsed = true;
		lines[c->line].output = false;
	}
	lines[c->line].pulse = high;
	raw_spin_unlock_irqrestore(&lines_lock, flags);
	report_both_edges(c->line);
}

static enum hrtimer_restart toggle(struct hrtimer *t)
{
	struct channel *c = container_of(t, struct channel, timer);
	bool high = !lines[c->line].pulse;

	pulse(c, false, high);
	hrtimer_add_expires_ns(t, high ? c->on : c->off); /* relative to the due time, so that delays do not add up */
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
		hrtimer_setup(&channels[i].timer, toggle, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
		hrtimer_init(&channels[i].timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		channels[i].timer.function = toggle;
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

static DEFINE_MUTEX(bus_lock);		/* protects the present transfer; the kernel allows one at a time */
static DECLARE_WAIT_QUEUE_HEAD(bus_asked);
static DECLARE_WAIT_QUEUE_HEAD(bus_answered);
static struct request asked;
static u8 asked_bytes[BYTES], answer_bytes[BYTES];
static bool bus_open, fetched, answered;
static int answer_error;

static int transfer(struct i2c_adapter *a, struct i2c_msg *m, int count)
{
	struct i2c_msg *w = NULL, *r = NULL;
	long left;
	int i, err;

	for (i = 0; i < count; i++) { /* a write, a read, or a write and a read */
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
		return -EREMOTEIO; /* no device acknowledges the address */
	}
	asked.sequence++;
	asked.address = m[0].addr;
	asked.written = w ? w->len : 0;
	asked.wanted = r ? r->len : 0;
	if (w)
		memcpy(asked_bytes, w->buf, w->len);
	fetched = answered = false;
	mutex_unlock(&bus_lock);
	wake_up(&bus_asked);
	left = wait_event_timeout(bus_answered, READ_ONCE(answered), a->timeout);
	mutex_lock(&bus_lock);
	err = left ? answer_error : -ETIMEDOUT;
	if (!err && r)
		memcpy(r->buf, answer_bytes, r->len);
	answered = true; /* later answers to this transfer are refused */
	fetched = true;
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

static int bus_device_open(struct inode *i, struct file *f)
{
	int err = 0;

	mutex_lock(&bus_lock);
	if (bus_open)
		err = -EBUSY;
	else
		asked.sequence++, fetched = answered = true;
	bus_open = true;
	mutex_unlock(&bus_lock);
	return err;
}

static int bus_device_release(struct inode *i, struct file *f)
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

static ssize_t bus_device_read(struct file *f, char __user *to, size_t size, loff_t *at)
{
	int err = wait_event_interruptible(bus_asked, !READ_ONCE(fetched));
	ssize_t n = -EINVAL;

	if (err)
		return err;
	mutex_lock(&bus_lock);
	if (size >= sizeof(asked) + asked.written) {
		n = sizeof(asked) + asked.written;
		if (copy_to_user(to, &asked, sizeof(asked)) || copy_to_user(to + sizeof(asked), asked_bytes, asked.written))
			n = -EFAULT;
		fetched = true;
	}
	mutex_unlock(&bus_lock);
	return n;
}

static ssize_t bus_device_write(struct file *f, const char __user *from, size_t size, loff_t *at)
{
	struct reply reply;
	ssize_t n = size;

	if (size < sizeof(reply) || copy_from_user(&reply, from, sizeof(reply)))
		return -EINVAL;
	mutex_lock(&bus_lock);
	if (reply.sequence != asked.sequence || answered) {
		n = -ESTALE; /* the transfer has timed out */
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

static const struct file_operations bus_device_ops = {
	.owner = THIS_MODULE,
	.open = bus_device_open,
	.release = bus_device_release,
	.read = bus_device_read,
	.write = bus_device_write,
};

static struct miscdevice bus_device = { .minor = MISC_DYNAMIC_MINOR, .name = "fluxd-hil-i2c", .fops = &bus_device_ops };

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
	fetched = answered = true;
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
		err = misc_register(&bus_device);
	if (err)
		goto failed;
	err = i2c_add_numbered_adapter(&adapter);
	if (!err)
		return 0;
	misc_deregister(&bus_device);
failed:
	platform_device_unregister(device);
	return err;
}

/* There is no exit function: the machine is discarded after the test. */

module_init(begin);
MODULE_DESCRIPTION("Simulated hardware for tests");
MODULE_LICENSE("GPL");
