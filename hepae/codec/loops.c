/* Loops over tables of probabilities, for which numpy takes several times as long.

   hepae/codec/probabilities.py says the same in numpy; tests hold the two against each other. All is int64, as
   FORMAT.md says, so that the results are the same on every machine. Built by setup.py, where there is a compiler. */

#include "loops.h"
#include "contexts.h"

#ifdef _WIN32
void *PyInit__loops(void) { return NULL; } /* setuptools' linker asks for it */
#endif

enum { VERSION = 17, STEEPEST = 22938 };
static const int64_t MASS = (int64_t)1 << 44, WHOLE = 1 << 16;

/* Rises with every change of a function's arguments or results. Called before any other. */
EXPORT int64_t hepae_version(void)
{
    prepare_contexts();
    return VERSION;
}

/* Both halves of a node get something. */
static int64_t open_share(int64_t share) { return within(share, 1, WHOLE - 1); }

/* Trees of 2n numbers: the root at 1, the halves of node i at 2i and 2i + 1, leaves from n on. */
static void add_up(int64_t *tree, int64_t half)
{
    for (int64_t i = half - 1; i > 0; i--) tree[i] = tree[2 * i] + tree[2 * i + 1];
}

static void deal(int64_t *tree, int64_t i, int64_t share)
{
    tree[2 * i] = tree[i] * share >> 16;
    tree[2 * i + 1] = tree[i] - tree[2 * i];
}

/* How much more than expected (of 2**16) goes left if the density is linear between the neighbours. */
static int64_t slope(const int64_t *tree, int64_t i)
{
    int64_t rise = (tree[i - 1] - tree[i + 1]) * 4096, here = tree[i] > 1 ? tree[i] : 1;
    return within(floored(rise, here), -STEEPEST, STEEPEST);
}

/* What a context has: counts of special symbols and a tree of those of bins; the masses made of them, and which
   share of each node's mass is on the left. Special symbols that came nowhere, which most are, have the same mass. */
typedef struct {
    int64_t specials, bins, half, many; /* many: how many values came in the context */
    int64_t *seen, many_seen;           /* special symbols that came in some context */
    const int32_t *special;
    int32_t *went;
    int64_t *weights, *has, *tree;
    int64_t *mass;                      /* a row for each level of contexts: of those seen, then of any other */
    int32_t *share;                     /* a row for each level */
} Tables;

static void find_seen(Tables *t, const int32_t *counts)
{
    for (int64_t s = 0; s < t->specials; s++)
        if (counts[s]) t->seen[t->many_seen++] = s;
}

/* Take the counts of a context, coarse or fine. */
static void take_counts(Tables *t, const int32_t *row)
{
    t->special = row;
    memcpy(t->went + t->half, row + t->specials, sizeof *row * t->bins);
    for (int64_t first = t->half / 2; first; first /= 2) {
        int32_t *restrict above = t->went + first;
        const int32_t *restrict below = t->went + 2 * first;
        for (int64_t i = 0; i < first; i++) above[i] = below[2 * i] + below[2 * i + 1];
    }
    t->many = t->went[1];
    for (int64_t k = 0; k < t->many_seen; k++) t->many += row[t->seen[k]];
}

/* Which share of each node's mass lies on the left: where a finer context begins. */
static void take_shares(const int64_t *tree, int64_t half, int32_t *share)
{
    for (int64_t i = 1; i < half; i++)
        share[i] = tree[2 * i + 1] ? (int32_t)quotient(tree[2 * i] << 16, tree[i]) : WHOLE;
}

/* What special symbols leave. */
static int64_t mass_of_bins(const Tables *t, const int64_t *mass)
{
    int64_t left = MASS - (t->specials - t->many_seen) * mass[t->many_seen];
    for (int64_t k = 0; k < t->many_seen; k++) left -= mass[k];
    return left;
}

/* Masses without a context: specials as rare as 1/1024 of a value, bins smooth. */
static void first_table(Tables *t)
{
    int64_t *tree = t->tree;
    for (int64_t k = 0; k <= t->many_seen; k++) {
        int64_t came = k < t->many_seen ? t->special[t->seen[k]] : 0;
        t->mass[k] = quotient((1024 * came + 1) << 24, 1024 * (t->many + 1) + t->specials) << 20;
    }
    tree[1] = mass_of_bins(t, t->mass);
    for (int64_t first = 1; first < t->half; first *= 2)
        for (int64_t i = first; i < 2 * first; i++) {
            const int64_t *has = t->has, weight = 2 * first;
            int64_t share = has[i] == 2 * has[2 * i] ? WHOLE / 2 : (has[2 * i] << 16) / has[i];
            int inside = i > first && i < 2 * first - 1;
            if (inside && has[i - 1] == has[i] && has[i + 1] == has[i]) share += slope(tree, i);
            share = quotient(((int64_t)t->went[2 * i] << 16) + weight * share, t->went[i] + weight);
            deal(tree, i, has[2 * i + 1] ? open_share(share) : WHOLE);
        }
}

/* a / b for 0 <= a < 2**53, 0 < b < 2**34 and a quotient of 17 bits, which floats do not round up to the next one. */
static inline int64_t short_quotient(int64_t a, int64_t b) { return (int64_t)((double)a / (double)b); }

/* Masses of a context, which leans on those of the coarser one, a level above; and its shares as `take_shares` finds
   them: where halves are rounded, they are one less than what was dealt. */
static void refine(Tables *t, int64_t level)
{
    const int64_t *coarse = t->mass + (level - 1) * (t->specials + 1);
    const int32_t *restrict expected = t->share + (level - 1) * t->half, *restrict went = t->went;
    int64_t *mass = t->mass + level * (t->specials + 1), *tree = t->tree;
    int32_t *restrict shares = t->share + level * t->half;
    int64_t strength = t->weights[1], all = t->many + strength;
    for (int64_t k = 0; k <= t->many_seen; k++) {
        int64_t came = k < t->many_seen ? t->special[t->seen[k]] : 0;
        mass[k] = quotient((came << 32) + strength * (coarse[k] >> 12), all) << 12;
    }
    tree[1] = mass_of_bins(t, mass);
    for (int64_t i = 1; i < t->half; i++) {
        int64_t share = expected[i], weight = t->weights[i], whole = tree[i];
        if (share == WHOLE) {
            shares[i] = WHOLE;
            deal(tree, i, WHOLE);
            continue;
        }
        if (went[i]) share = short_quotient(((int64_t)went[2 * i] << 16) + weight * share, went[i] + weight);
        share = open_share(share);
        int64_t product = whole * share, left = product >> 16;
        tree[2 * i] = left;
        tree[2 * i + 1] = whole - left;
        shares[i] = (int32_t)(share - ((product & (WHOLE - 1)) != 0));
        if (whole < WHOLE) shares[i] = (int32_t)(whole ? quotient(left << 16, whole) : WHOLE);
    }
}

/* A mass as a frequency, at least 1, of those that are left for `shared`. */
static inline int64_t frequency(int64_t mass, int64_t shared)
{
    return 1 + (int64_t)((uint64_t)(uint32_t)(mass >> 14) * (uint64_t)(uint32_t)shared >> 30);
}

/* Masses as frequencies; what rounding leaves goes to the largest. */
static void write_row(const Tables *t, int64_t level, int64_t *restrict f)
{
    const int64_t *mass = t->mass + level * (t->specials + 1), *leaf = t->tree + t->half;
    int64_t size = t->specials + t->bins, whole = (int64_t)1 << PRECISION, left = whole, best = 0;
    int64_t rare = frequency(mass[t->many_seen], whole - size);
    for (int64_t s = 0; s < t->specials; s++) f[s] = rare;
    for (int64_t k = 0; k < t->many_seen; k++) f[t->seen[k]] = frequency(mass[k], whole - size);
    for (int64_t k = 0; k < t->bins; k++) f[t->specials + k] = frequency(leaf[k], whole - size);
    for (int64_t k = 0; k < size; k++) left -= f[k];
    for (int64_t k = 1; k < size; k++) if (f[k] > f[best]) best = k;
    f[best] += left;
}

/* Sizes, weights of the coarser context (more, the deeper a node is), and how many bins each node has. */
static void set_up(Tables *t, int64_t strength)
{
    for (int64_t first = 1; first < t->half; first *= 2) {
        for (int64_t i = first; i < 2 * first; i++) t->weights[i] = strength;
        strength = strength * 3 / 2 + 1;
    }
    if (t->half == 1) t->weights[1] = strength;
    for (int64_t s = 0; s < t->bins; s++) t->has[t->half + s] = 1;
    add_up(t->has, t->half);
}

/* Counts of all contexts, of pairs of them, …, of all together: at level k there are 2**k. */
const int32_t *counts_at(const int32_t *counts, int64_t size, int level, int64_t context)
{
    return counts + (((int64_t)1 << level) - 1 + context) * size;
}

int32_t *new_counts(int levels, int64_t size) { return calloc((((size_t)2 << levels) - 1) * size, sizeof(int32_t)); }

/* Counts of the pairs of contexts, of the pairs of those, …, out of those of each context. */
static void add_levels(int32_t *counts, int levels, int64_t size)
{
    for (int level = levels; level > 0; level--) {
        const int32_t *restrict fine = counts + (((int64_t)1 << level) - 1) * size;
        int32_t *restrict coarse = counts + (((int64_t)1 << (level - 1)) - 1) * size;
        for (int64_t c = 0; c < (int64_t)1 << (level - 1); c++)
            for (int64_t s = 0; s < size; s++)
                coarse[c * size + s] = fine[2 * c * size + s] + fine[(2 * c + 1) * size + s];
    }
}

void count(int32_t *counts, int levels, int64_t size, const int64_t *contexts, const int64_t *symbols, int64_t n)
{
    int many = 32 * n > size << levels; /* then sums at the end take less time */
    for (int64_t i = 0; i < n; i++) {
        int64_t context = contexts[i];
        for (int level = levels; level >= (many ? levels : 0); level--, context >>= 1)
            counts[(((int64_t)1 << level) - 1 + context) * size + symbols[i]]++;
    }
    if (many) add_levels(counts, levels, size);
}

/* Tables of the wanted ones of 2**levels contexts, depth first, so that a table of each level is in memory. */
static void fill(Tables *t, const int32_t *counts, int levels, const uint8_t *wanted, int64_t *row, Visit visit,
                 void *whose)
{
    int64_t size = t->specials + t->bins, contexts = (int64_t)1 << levels, before = contexts;
    find_seen(t, counts);
    take_counts(t, counts);
    first_table(t);
    if (levels) take_shares(t->tree, t->half, t->share);
    for (int64_t c = 0; c < contexts; c++) {
        if (!wanted[c]) continue;
        for (int level = 1; level <= levels; level++) {
            int rest = levels - level;
            if (c >> rest == before >> rest) continue; /* the coarser context of the one before */
            take_counts(t, counts_at(counts, size, level, c >> rest));
            refine(t, level);
        }
        write_row(t, levels, row);
        visit(whose, c, row);
        before = c;
    }
}

int each_table(const int32_t *counts, int levels, int64_t size, int64_t specials, int64_t strength,
               const uint8_t *wanted, Visit visit, void *whose)
{
    Tables t = {.specials = specials, .bins = size - specials, .half = 1};
    while (t.half < t.bins) t.half *= 2;
    int64_t own = 6 * t.half + 2 + specials + size, row = specials + 1 + t.half;
    int64_t *memory = calloc(own + (levels + 1) * row, sizeof *memory);
    if (!memory) return 1;
    t.went = (int32_t *)memory;
    t.weights = memory + t.half;
    t.has = memory + 2 * t.half + 1;
    t.tree = t.has + 2 * t.half + 1;
    t.seen = t.tree + 2 * t.half;
    t.mass = t.seen + specials + size;
    t.share = (int32_t *)(t.mass + (levels + 1) * (specials + 1));
    set_up(&t, strength);
    fill(&t, counts, levels, wanted, t.seen + specials, visit, whose);
    free(memory);
    return 0;
}

/* Where a context's frequencies are put. */
typedef struct {
    int64_t *found, size;
} Found;

static void put(void *whose, int64_t context, const int64_t *frequencies)
{
    Found *f = whose;
    memcpy(f->found + context * f->size, frequencies, sizeof(int64_t) * f->size);
}

/* Frequencies of the wanted contexts, others untouched; 1 if there is no memory for them, otherwise 0. */
EXPORT int64_t hepae_frequencies(const int64_t *counts, int64_t levels, int64_t size, int64_t specials,
                                 int64_t strength, const uint8_t *wanted, int64_t *found)
{
    Found f = {found, size};
    int32_t *sums = new_counts((int)levels, size);
    if (!sums) return 1;
    for (int level = 0; level <= levels; level++)
        for (int64_t k = 0; k < size << levels; k++)
            sums[(((int64_t)1 << level) - 1 + (k / size >> (levels - level))) * size + k % size] += (int32_t)counts[k];
    int wrong = each_table(sums, (int)levels, size, specials, strength, wanted, put, &f);
    free(sums);
    return wrong;
}
