// The bare kernel: what moving a network's data costs, without a model. It steps a clock of 1 ms. Each neuron has a charge of 16 bits, and
// for each of the next 16 steps a sum of what arrives then. It reads a network as "fluxd bench --write" writes it, draws the same inputs
// as fluxd bench, and prints how many spikes it has seen and the nanoseconds an arrival has taken. At most 65,536 neurons, weights from
// -128 to 127, delays from 1 to 15 steps.
//
//   kernel FILE STEPS
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { slots = 16, warmup = 500 };

struct synapse {
	uint16_t target;
	int8_t weight;
	uint8_t delay;
};

struct edge {
	int from, to, weight, delay;
};

static int by_source_and_delay(const void *x, const void *y) {
	const struct edge *a = x, *b = y;
	if (a->from != b->from) return a->from < b->from ? -1 : 1;
	if (a->delay != b->delay) return a->delay < b->delay ? -1 : 1;
	return a->to < b->to ? -1 : a->to > b->to;
}

// splitmix64 is the generator of the inputs: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
static uint64_t splitmix64(uint64_t *state) {
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double seconds(void) { // of this thread: what others do does not count
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void fail(const char *why) {
	fprintf(stderr, "kernel: %s\n", why);
	exit(1);
}

int main(int count, char **arguments) {
	if (count != 3) fail("expected a network's file and a number of steps");
	FILE *file = fopen(arguments[1], "r");
	long steps = atol(arguments[2]);
	int n, m, threshold, least, inputs, input;
	if (!file || fscanf(file, "%d %d %d %d %d %d", &n, &m, &threshold, &least, &inputs, &input) != 6) fail("no network in the file");
	if (n < 1 || n > 65536 || m < 0 || steps < 1) fail("expected 1 to 65,536 neurons, and at least one step");
	struct edge *edges = calloc(m + 1, sizeof *edges);
	for (int i = 0; i < m; i++) {
		struct edge *e = &edges[i];
		if (fscanf(file, "%d %d %d %d", &e->from, &e->to, &e->weight, &e->delay) != 4) fail("the file ends before its last synapse");
		if (e->from < 0 || e->from >= n || e->to < 0 || e->to >= n || e->weight < -128 || e->weight > 127 || e->delay < 1 || e->delay >= slots)
			fail("a synapse is out of range");
	}
	qsort(edges, m, sizeof *edges, by_source_and_delay);
	struct synapse *synapses = calloc(m + 1, sizeof *synapses);
	uint32_t *first = calloc(n + 2, sizeof *first);
	for (int i = 0; i < m; i++) {
		synapses[i] = (struct synapse){edges[i].to, edges[i].weight, edges[i].delay};
		first[edges[i].from + 1]++;
	}
	for (int i = 0; i < n; i++) first[i + 1] += first[i];
	free(edges);

	int16_t *sums = calloc((size_t)slots * n, sizeof *sums), *restrict charge = calloc(n, sizeof *charge);
	const int16_t fires = threshold, lowest = least; // 16 bits, so that the compiler takes many neurons at a time
	int *fired = calloc(n + 1, sizeof *fired);
	uint64_t random = 1;
	long long spikes = 0, arrivals = 0;
	double start = 0;
	for (long step = 0; step < warmup + steps; step++) {
		if (step == warmup) {
			spikes = arrivals = 0;
			start = seconds();
		}
		int16_t *restrict now = &sums[(step & (slots - 1)) * (size_t)n];
		for (int i = 0; i < inputs; i++) now[splitmix64(&random) % n] += input;
		for (int i = 0; i < n; i++) {
			int16_t level = charge[i] < lowest ? lowest : charge[i];
			charge[i] = level + now[i];
			now[i] = 0;
		}
		int many = 0;
		for (int i = 0; i < n; i++) {
			fired[many] = i;
			many += charge[i] >= fires;
		}
		for (int k = 0; k < many; k++) {
			int source = fired[k];
			charge[source] = 0;
			const struct synapse *last = &synapses[first[source + 1]];
			for (const struct synapse *s = &synapses[first[source]]; s < last; s++)
				sums[((step + s->delay) & (slots - 1)) * (size_t)n + s->target] += s->weight;
			arrivals += first[source + 1] - first[source];
		}
		spikes += many;
	}
	printf("%lld spikes, %.3f ns an arrival\n", spikes, 1e9 * (seconds() - start) / (arrivals ? arrivals : 1));
}
