/* Columns of floats to bins in one pass, each value tried and checked, and back.

   hepae/codec/bounds.py and frequent.py say the same in numpy; tests hold the two against each other, bit for bit.
   Only IEEE additions, multiplications, divisions and comparisons of float64 are used. */

#include "loops.h"

#include <math.h>

#ifdef __GNUC__ /* a loop of its own for each kind of quantiser and each dtype */
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static __forceinline
#endif

enum { ABS, TURN, REL, BITS, DECIMAL };  /* kinds of quantisers */
enum { EXACTLY, ABSOLUTE, RELATIVE, ANY }; /* kinds of bounds; none */
enum { LOWEST = -1080, SLOTS = 4096 };   /* octave of bin 1; of a table of frequent values */
static const double HUGE_BIN = 0x1p53, INTEGERS = 0x1.8p52;

/* `_InC` of one_pass.py. */
typedef struct {
    int64_t mode, wide;           /* float64? else float32 */
    int64_t bins, first;          /* rel: of an octave; turn: of the circle, and the first of them */
    int64_t drop, moved_bits;     /* bits */
    int64_t cells;                /* rel: 2**cells parts of an octave, each with one edge at most */
    int64_t bound;
    double size, middle;          /* abs, turn: width, and where in a bin its value lies; decimal: 10**places */
    double moved;                 /* rel */
    double low, high;             /* turn: ends of the circle */
    double limit;                 /* of the bound */
    const double *edges, *centres; /* rel: the bins' lower edges, and 2; the values put back */
    const int32_t *starts;        /* rel: the bin in which each part begins */
} Quantiser;

/* Frequent values by themselves and by their bins: numbers from 1 in two tables with open addresses. */
typedef struct {
    int64_t many;
    const int64_t *bins;
    const void *values;
    int wide;
    uint16_t by_value[SLOTS], by_bin[SLOTS];
} Listed;

INLINE uint64_t bits_of(double x) { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE double double_of(uint64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }
INLINE double single_of(uint64_t u) { uint32_t low = (uint32_t)u; float x; memcpy(&x, &low, sizeof x); return x; }
INLINE uint64_t size_of(int64_t q) { return q < 0 ? 0 - (uint64_t)q : (uint64_t)q; }
INLINE int64_t slot_of(uint64_t key) { return (int64_t)(key * 0x9E3779B97F4A7C15u >> 52); }

static double listed_value(const Listed *l, int64_t k)
{
    return l->wide ? ((const double *)l->values)[k] : ((const float *)l->values)[k];
}

static void make_listed(Listed *l)
{
    memset(l->by_value, 0, sizeof l->by_value);
    memset(l->by_bin, 0, sizeof l->by_bin);
    for (int64_t k = 0; k < l->many; k++) {
        int64_t v = slot_of(bits_of(listed_value(l, k))), b = slot_of((uint64_t)l->bins[k]);
        while (l->by_value[v]) v = (v + 1) % SLOTS;
        while (l->by_bin[b]) b = (b + 1) % SLOTS;
        l->by_value[v] = l->by_bin[b] = (uint16_t)(k + 1);
    }
}

/* The number of a frequent value, of a bin: -1 if it is none. */
INLINE int64_t which_value(const Listed *l, double x)
{
    int64_t slot = slot_of(bits_of(x));
    while (l->by_value[slot] && listed_value(l, l->by_value[slot] - 1) != x) slot = (slot + 1) % SLOTS;
    return (int64_t)l->by_value[slot] - 1;
}

INLINE int64_t which_bin(const Listed *l, int64_t q)
{
    int64_t slot = slot_of((uint64_t)q);
    while (l->by_bin[slot] && l->bins[l->by_bin[slot] - 1] != q) slot = (slot + 1) % SLOTS;
    return (int64_t)l->by_bin[slot] - 1;
}

/* The nearest integer, of two the even one: near INTEGERS there is nothing else. */
INLINE double nearest(double x) { return fabs(x) < 0x1p51 ? x + INTEGERS - INTEGERS : rint(x); }

/* q with the sign of x, without a branch that nobody can predict. */
INLINE int64_t signed_as(double x, int64_t q) { int64_t all = -(int64_t)(x < 0); return (q ^ all) - all; }

INLINE double clipped(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

INLINE double times_power(double x, int64_t e)
{
    return e >= -1022 && e <= 1023 ? x * double_of((uint64_t)(e + 1023) << 52) : ldexp(x, (int)e);
}

INLINE double rounded(double x, int wide) { return wide ? x : (double)(float)x; }

INLINE int64_t canonical(const Quantiser *g, int64_t q)
{
    int64_t d = (int64_t)((uint64_t)q - (uint64_t)g->first);
    if (d < 0 || d >= 2 * g->bins) d -= floored(d, g->bins) * g->bins;
    else if (d >= g->bins) d -= g->bins;
    return d + g->first;
}

INLINE uint64_t bits_back(const Quantiser *g, int64_t q, int wide)
{
    uint64_t place = size_of(q) << g->drop;
    if (q) place += (uint64_t)g->moved_bits;
    if ((int64_t)place < 0) place ^= wide ? INT64_MAX : INT32_MAX;
    return q < 0 ? place ^ (wide ? (uint64_t)1 << 63 : (uint64_t)1 << 31) : place;
}

INLINE double rel_back(const Quantiser *g, int64_t q)
{
    if (!q) return 0;
    int64_t t = (int64_t)(size_of(q) - 1);
    int64_t octave = t < (int64_t)1 << 31 ? quotient(t, g->bins) : t / g->bins;
    double x = times_power(g->centres[t - octave * g->bins], within(octave + LOWEST, -2000, 2000));
    return q < 0 ? -x : x;
}

/* The value of a bin, in the column's dtype. */
INLINE double value_of(const Quantiser *g, int mode, int wide, int64_t q)
{
    if (mode == ABS) return rounded(((double)q + g->middle) * g->size, wide);
    if (mode == DECIMAL) return rounded((double)q / g->size, wide);
    if (mode == TURN)
        return rounded(clipped(((double)canonical(g, q) + g->middle) * g->size, g->low, g->high), wide);
    if (mode == REL) return rounded(rel_back(g, q), wide);
    return wide ? double_of(bits_back(g, q, 1)) : single_of(bits_back(g, q, 0));
}

/* The geometric bin of a normal x: a table says in which bin its part of the octave begins. A part that is subnormal,
   which only bins that are moved make of the smallest normal x, lies in the last bin of its octave: its bits, read as
   those of a normal number, say no less. */
INLINE int64_t rel_bin(const Quantiser *g, double x, double *back)
{
    double part = fabs(x) / g->moved;
    int e = (int)(bits_of(part) >> 52) - 1023;
    uint64_t mantissa = bits_of(part) & (((uint64_t)1 << 52) - 1);
    int64_t place = g->starts[mantissa >> (52 - g->cells)];
    place += g->edges[place + 1] <= double_of(mantissa | (uint64_t)1023 << 52);
    double size = times_power(g->centres[place], e);
    int64_t q = (e - LOWEST) * g->bins + place + 1;
    *back = copysign(size, x);
    return signed_as(x, q);
}

/* The bin of a plain x, and the value of it. `bits`: those of x in its dtype. */
INLINE int64_t bin_of(const Quantiser *g, int mode, int wide, double x, uint64_t bits, double *back)
{
    int64_t q;
    if (mode == REL) {
        *back = 0;
        q = x == 0 ? 0 : rel_bin(g, x, back);
        *back = rounded(*back, wide);
        return q;
    }
    if (mode == TURN) { /* its value is that of the bin before it is counted from 0 */
        double first = (double)g->first, v = nearest(x / g->size - g->middle);
        q = (int64_t)clipped(v, first, first + (double)(g->bins - 1));
        *back = rounded(clipped(((double)q + g->middle) * g->size, g->low, g->high), wide);
        return q + (g->bins & -(int64_t)(q < 0));
    }
    if (mode == BITS) {
        bits &= wide ? INT64_MAX : INT32_MAX;
        q = x == 0 ? 0 : ((int64_t)bits - g->moved_bits + ((int64_t)1 << (g->drop - 1))) >> g->drop;
        q = signed_as(x, q);
    } else {
        double v = mode == ABS ? x / g->size - g->middle : x * g->size;
        q = (int64_t)nearest(clipped(v, -HUGE_BIN, HUGE_BIN));
    }
    *back = value_of(g, mode, wide, q);
    return q;
}

/* Is a plain x within its bound? `back` that is not finite is not. */
INLINE int keeps(const Quantiser *g, double x, double back)
{
    static const double ROUNDED = 1 - 0x1p-50; /* differences and limits are rounded */
    if (g->bound == EXACTLY) return back == x;
    if (g->bound == ANY) return 1;
    return fabs(back - x) <= (g->bound == ABSOLUTE ? g->limit : fabs(x) * g->limit) * ROUNDED;
}

INLINE void pass(const Quantiser *given, int mode, int wide, const void *x, int64_t n, const Listed *l, int64_t *q,
                 uint8_t *escapes)
{
    const Quantiser own = *given, *g = &own; /* which nothing that is written can change */
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = wide ? ((const uint64_t *)x)[i] : ((const uint32_t *)x)[i];
        double value = wide ? double_of(bits) : single_of(bits), back;
        uint64_t exponent = wide ? bits >> 52 & 2047 : bits >> 23 & 255;
        int plain = exponent - 1 < (wide ? 2046u : 254u) || !bits;
        int64_t bin = bin_of(g, mode, wide, plain ? value : 0, plain ? bits : 0, &back), k;
        if (l && plain) {
            if ((k = which_value(l, value)) >= 0) back = value_of(g, mode, wide, bin = l->bins[k]);
            if ((k = which_bin(l, mode == TURN ? canonical(g, bin) : bin)) >= 0) back = listed_value(l, k);
        }
        int kept = plain && keeps(g, value, back);
        q[i] = kept ? bin : 0;
        escapes[i] = !kept;
    }
}

INLINE void pass_back(const Quantiser *given, int mode, int wide, const int64_t *q, int64_t n, const Listed *l, void *x)
{
    const Quantiser own = *given, *g = &own;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = l ? which_bin(l, mode == TURN ? canonical(g, q[i]) : q[i]) : -1;
        if (k >= 0) memcpy((char *)x + (wide ? 8 : 4) * i, (const char *)l->values + (wide ? 8 : 4) * k, wide ? 8 : 4);
        else if (mode == BITS && wide) ((uint64_t *)x)[i] = bits_back(g, q[i], 1);
        else if (mode == BITS) ((uint32_t *)x)[i] = (uint32_t)bits_back(g, q[i], 0);
        else if (wide) ((double *)x)[i] = value_of(g, mode, 1, q[i]);
        else ((float *)x)[i] = (float)value_of(g, mode, 0, q[i]);
    }
}

#define EACH(mode) \
    case 2 * mode: WITH(mode, 0); break; \
    case 2 * mode + 1: WITH(mode, 1); break;
#define EACH_KIND switch (2 * g->mode + g->wide) { EACH(ABS) EACH(TURN) EACH(REL) EACH(BITS) EACH(DECIMAL) }

/* Bins of n values, 0 where they escape, and which do: no plain numbers, and those whose bin breaks the bound. `bins`,
   `values`: what a frequent value is put in, and what comes back from there. */
EXPORT void hepae_quantise(const Quantiser *g, const void *x, int64_t n, const int64_t *bins, const void *values,
                           int64_t many, int64_t *q, uint8_t *escapes)
{
    Listed listed = {.many = many, .bins = bins, .values = values, .wide = (int)g->wide};
    make_listed(&listed);
#define WITH(mode, wide) \
    if (many) pass(g, mode, wide, x, n, &listed, q, escapes); \
    else pass(g, mode, wide, x, n, NULL, q, escapes)
    EACH_KIND
#undef WITH
}

/* The n values of bins. */
EXPORT void hepae_values(const Quantiser *g, const int64_t *q, int64_t n, const int64_t *bins, const void *values,
                         int64_t many, void *x)
{
    Listed listed = {.many = many, .bins = bins, .values = values, .wide = (int)g->wide};
    make_listed(&listed);
#define WITH(mode, wide) \
    if (many) pass_back(g, mode, wide, q, n, &listed, x); \
    else pass_back(g, mode, wide, q, n, NULL, x)
    EACH_KIND
#undef WITH
}

/* How many values the largest of 2**16 groups has, and how many groups have any: equal bits are in one group.
   -1 without memory. */
EXPORT int64_t hepae_groups(const void *x, int64_t n, int64_t size, int64_t *used)
{
    uint32_t *many = calloc((size_t)1 << 16, sizeof *many), largest = 0;
    if (!many) return -1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = size == 8 ? ((const uint64_t *)x)[i] : ((const uint32_t *)x)[i];
        many[bits * 0x9E3779B97F4A7C15u >> 48]++;
    }
    *used = 0;
    for (int64_t g = 0; g < 1 << 16; g++) {
        *used += many[g] > 0;
        if (many[g] > largest) largest = many[g];
    }
    free(many);
    return largest;
}
