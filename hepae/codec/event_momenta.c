#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "contexts.h"


/* Functions made of +, −, ×, ÷ and square roots: the same numbers on every machine. */
static const double LN2 = 0.6931471805599453, HALF_PI = 1.5707963267948966;

static double exp_(double x)
{
    x = x > 700 ? 700 : x < -700 ? -700 : x;
    double k = rint(x * 1.4426950408889634), r = x - k * LN2, sum = 1;
    for (int i = 14; i > 0; i--) sum = sum * r / i + 1;
    return ldexp(sum, (int)k);
}

static double log_(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.7071067811865476) m = m * 2, e--;
    double z = (m - 1) / (m + 1), zz = z * z, sum = 0;
    for (int i = 21; i > 0; i -= 2) sum = sum * zz + 1.0 / i;
    return 2 * z * sum + e * LN2;
}

static void sin_cos(double turns, double *s, double *c)
{
    double q = rint(turns * 4), r = (turns * 4 - q) * HALF_PI, rr = r * r, a = 1, b = 1;
    for (int i = 18; i > 1; i -= 2) a = 1 - a * rr / (i * (i + 1)), b = 1 - b * rr / (i * (i - 1));
    a *= r;
    switch ((int64_t)q & 3) {
    case 0: *s = a, *c = b; break;
    case 1: *s = b, *c = -a; break;
    case 2: *s = -a, *c = -b; break;
    default: *s = -b, *c = a;
    }
}

static double turns_of(double y, double x)
{
    double a = fabs(y), b = fabs(x), t = a > b ? b / a : b > 0 ? a / b : 0, sum = 0;
    t = t / (1 + sqrt(1 + t * t));
    t = t / (1 + sqrt(1 + t * t));
    double tt = t * t;
    for (int i = 25; i > 0; i -= 2) sum = 1.0 / i - sum * tt;
    double turns = sum * t / HALF_PI;  /* a fourth of the angle, in fourths of a turn */
    if (a > b) turns = 0.25 - turns;
    if (x < 0) turns = 0.5 - turns;
    return y < 0 ? -turns : turns;
}

static double asinh_(double x)
{
    double a = fabs(x), y = log_(a + sqrt(a * a + 1));
    return x < 0 ? -y : y;
}

enum { NORMAL, AHEAD, BACK, REST, EXACT };

typedef struct { double u, eta, turns; } Widths;  /* of bins: of log pt, of η; bins of a turn */

/* px, py, pz of some bins. */
static void momentum(int along, const int64_t bins[3], const Widths *w, double p[3])
{
    if (along == EXACT) return;
    p[0] = p[1] = p[2] = 0;
    if (along == REST) return;
    double size = exp_((double)bins[0] * w->u);
    if (along == AHEAD) p[2] = size;
    else if (along == BACK) p[2] = -size;
    else {
        double s, c, e = exp_((double)bins[1] * w->eta);
        sin_cos((double)bins[2] / w->turns, &s, &c);
        p[0] = size * c, p[1] = size * s, p[2] = size * ((e - 1 / e) / 2);
    }
}

#define MOST_BINS ((int64_t)1 << 40)
static int too_far(int64_t x) { return x > MOST_BINS || x < -MOST_BINS; }

static double limited(double x) { return x != x ? 0 : x > 1e9 ? 1e9 : x < -1e9 ? -1e9 : x; }

/* The bins of a momentum that was predicted. */
static void bins_of(int along, const double p[3], const Widths *w, int64_t bins[3])
{
    double pt = sqrt(p[0] * p[0] + p[1] * p[1]), z = fabs(p[2]);
    bins[0] = bins[1] = bins[2] = 0;
    if (along == AHEAD || along == BACK) bins[0] = (int64_t)limited(rint(log_(z > 1e-30 ? z : 1e-30) / w->u));
    if (along != NORMAL) return;
    if (!(pt > 1e-30)) pt = 1e-30;
    bins[0] = (int64_t)limited(rint(log_(pt) / w->u));
    bins[1] = (int64_t)limited(rint(asinh_(p[2] / pt) / w->eta));
    bins[2] = (int64_t)limited(rint(turns_of(p[1], p[0]) * w->turns));
}

static int bits_in(uint64_t x) { int n = 0; while (x) n++, x >>= 1; return n; }

static int64_t ordered(double x)
{
    int64_t i;
    memcpy(&i, &x, 8);
    return i ^ (i >> 63 & INT64_MAX);
}

/* What is predicted; NaN, of which every machine has another one, is 0. */
static int64_t guessed(double x) { return ordered(x == x ? x : 0); }

static double unordered(int64_t i)
{
    double x;
    i ^= i >> 63 & INT64_MAX;
    memcpy(&x, &i, 8);
    return x;
}

typedef struct {
    int64_t n, v;
    const int64_t *made, *ends;        /* vertices of each particle, from 0 over all events; -1: none */
    int64_t *first_out, *next_out, *first_in, *next_in, *waiting, *target, *queue, *count_in, *count_out;
} Graph;

static void link_up(Graph *g)
{
    for (int64_t k = 0; k < g->v; k++)
        g->first_out[k] = g->first_in[k] = g->target[k] = -1, g->waiting[k] = g->count_in[k] = g->count_out[k] = 0;
    for (int64_t i = g->n - 1; i >= 0; i--) {
        int64_t a = g->made[i], b = g->ends[i];
        if (a >= 0) g->next_out[i] = g->first_out[a], g->first_out[a] = i, g->count_out[a]++;
        if (b >= 0) g->next_in[i] = g->first_in[b], g->first_in[b] = i, g->count_in[b]++;
        if (b >= 0 && g->target[b] < 0) g->target[b] = i;  /* the last that enters */
    }
    for (int64_t k = 0; k < g->v; k++) if (!g->count_out[k]) g->target[k] = -1;
    for (int64_t i = 0; i < g->n; i++)
        if (g->ends[i] >= 0 && g->target[g->ends[i]] == i && g->made[i] >= 0) g->waiting[g->made[i]]++;
}

/* Vertices in an order in which the momentum of what enters last follows from others. Those in a circle stay out. */
static int64_t in_turn(Graph *g)
{
    int64_t from = 0, to = 0;
    for (int64_t k = 0; k < g->v; k++) if (g->target[k] >= 0 && !g->waiting[k]) g->queue[to++] = k;
    while (from < to) {
        int64_t above = g->made[g->target[g->queue[from++]]];
        if (above >= 0 && !--g->waiting[above] && g->target[above] >= 0) g->queue[to++] = above;
    }
    return to;
}

static int graph(Graph *g, int64_t n, int64_t v, const int64_t *made, const int64_t *ends)
{
    int64_t *at = malloc(sizeof *at * (size_t)(2 * n + 7 * v + 1));
    if (!at) return 1;
    *g = (Graph){n, v, made, ends, at, at + v, at + v + n, at + 2 * v + n, 0, 0, 0, 0, 0};
    at += 2 * v + 2 * n;
    g->waiting = at, g->target = at + v, g->queue = at + 2 * v, g->count_in = at + 3 * v, g->count_out = at + 4 * v;
    link_up(g);
    return 0;
}

/* Which particles' momenta are predicted (1). 0, or -2: no memory. */
EXPORT int64_t hepae_predicted_momenta(int64_t n, int64_t v, const int64_t *made, const int64_t *ends,
                                       uint8_t *predicted)
{
    Graph g;
    if (graph(&g, n, v, made, ends)) return -2;
    int64_t many = in_turn(&g);
    memset(predicted, 0, (size_t)n);
    for (int64_t k = 0; k < many; k++) predicted[g.target[g.queue[k]]] = 1;
    free(g.first_out);
    return 0;
}

/* The sum of what leaves vertex v, less what enters but i; how uncertain it is across and along. */
static void predict(const Graph *g, int64_t v, int64_t i, const double *p, const double *fine,
                    double sum[3], double err[2])
{
    sum[0] = sum[1] = sum[2] = err[0] = err[1] = 0;
    for (int side = 0; side < 2; side++)
        for (int64_t j = side ? g->first_in[v] : g->first_out[v]; j >= 0; j = side ? g->next_in[j] : g->next_out[j]) {
            if (j == i) continue;
            const double *q = p + 3 * j;
            for (int k = 0; k < 3; k++) sum[k] += side ? -q[k] : q[k];
            double t = q[0] * q[0] + q[1] * q[1];
            err[0] += sqrt(t) * fine[j], err[1] += sqrt(t + q[2] * q[2]) * fine[j];
        }
}

static int scale_of(double error, double size)
{
    int e;
    double ratio = error / (size > 1e-30 ? size : 1e-30);
    if (!(ratio > 1)) return 0;
    if (ratio > 65536) return 17;
    frexp(ratio, &e);
    return e;
}

/* What was coded of the particle before, in units that all particles share. */
typedef struct { int64_t vertex; uint64_t kind; double at[3]; } Sister;

/* A bin: coarse and with contexts, then its lower bits of which the upper ones have a context. */
static int64_t code_coarse(Coder *c, int kind, uint64_t a, uint64_t b, uint64_t d, int bits, int low, int64_t bin)
{
    uint64_t context[CONTEXTS] = {a, b, d};
    int64_t coarse = bin >> low;
    coarse = unfolded((uint64_t)code_small(c, kind, context, bits, (int64_t)folded(coarse)));
    return (int64_t)((uint64_t)coarse << low | code_bits(c, low, (uint64_t)bin & (((uint64_t)1 << low) - 1)));
}

static int64_t rounded(double x) { return (int64_t)limited(rint(x)); }

static int lower_bits(double width, double unit)
{
    int low = 0;
    while (low < 30 && width * 2 <= unit) width *= 2, low++;
    return low;
}

static void code_free(Coder *c, Sister *s, int64_t vertex, uint64_t kind, int along, const Widths *w, int64_t bins[3])
{
    static const int bits[3] = {7, 6, 5};
    double unit[3] = {0.26, 0.52, 0.08}, width[3] = {w->u, w->eta, 1 / w->turns};
    int64_t was[3] = {0, 0, 0};
    int known = s->vertex == vertex && vertex >= 0;
    for (int j = 0; j < (along == NORMAL ? 3 : 1); j++) {
        int low = lower_bits(width[j], unit[j]);
        int64_t near = known ? rounded(s->at[j] / unit[j]) : 0;
        int64_t wide = known ? rounded(s->at[j] / unit[j] / 4) : 0;
        uint64_t k = of3(kind, (uint64_t)(along * 32 + low), (uint64_t)known);
        uint64_t a = of(k, (uint64_t)was[0] * (j > 0)), b = of3(k, (uint64_t)near, s->kind * known);
        uint64_t d = of3(k, (uint64_t)was[j > 0 ? j - 1 : 0], (uint64_t)wide);
        if (j == 2) a = of(k, 0), b = of(k, (uint64_t)near), d = of3(k, (uint64_t)near, (uint64_t)was[0]);
        bins[j] = code_coarse(c, 10 + j + 3 * (along != NORMAL), a, b, d, bits[j], low, bins[j]);
        if (too_far(bins[j])) { c->wrong = 1; return; }
        s->at[j] = (double)bins[j] * width[j];
        was[j] = rounded(s->at[j] / unit[j] / 2);
    }
    if (along != NORMAL) s->at[1] = s->at[2] = 0;
    s->vertex = vertex, s->kind = kind;
}

/* Momenta within bounds: of particles that are predicted the bins, as differences to what is predicted, to a stream and
   back. p: (n, 3), bins: (n, 3); what is not predicted is known. `kind`: names of pid and status for contexts. */
EXPORT int64_t hepae_bounded_momenta(int64_t decoding, int64_t n, int64_t v, const int64_t *made, const int64_t *ends,
                             const int64_t *kind, const uint8_t *along, const double *widths, const double *fine,
                             int64_t *bins, double *p, uint8_t *stream, int64_t size)
{
    Graph g;
    Coder c;
    if (graph(&g, n, v, made, ends)) return -2;
    if (start_coder(&c, (int)decoding, stream, size)) { free(g.first_out); end_coder(&c); return -2; }
    int64_t many = in_turn(&g);
    uint8_t *late = calloc((size_t)n + 1, 1);
    if (!late) { free(g.first_out); end_coder(&c); return -2; }
    for (int64_t k = 0; k < many; k++) late[g.target[g.queue[k]]] = 1;
    for (int64_t i = 0; i < n; i++) {
        Widths w = {widths[3 * i], widths[3 * i + 1], widths[3 * i + 2]};
        const int64_t *b = bins + 3 * i;
        if (!decoding && (too_far(b[0]) || too_far(b[1]) || too_far(b[2]))) c.wrong = 1;
        else if (!decoding) momentum(along[i], b, &w, p + 3 * i);
    }
    Sister sister = {.vertex = -2};
    for (int64_t i = 0; i < n && !c.wrong; i++) {
        if (late[i] || along[i] >= REST) continue;
        Widths w = {widths[3 * i], widths[3 * i + 1], widths[3 * i + 2]};
        code_free(&c, &sister, made[i], (uint64_t)kind[i], along[i], &w, bins + 3 * i);
        if (decoding) momentum(along[i], bins + 3 * i, &w, p + 3 * i);
    }
    free(late);
    for (int64_t k = 0; k < many && !c.wrong; k++) {
        int64_t vertex = g.queue[k], i = g.target[vertex], guess[3];
        if (along[i] == REST || along[i] == EXACT) continue;
        Widths w = {widths[3 * i], widths[3 * i + 1], widths[3 * i + 2]};
        double sum[3], err[2];
        predict(&g, vertex, i, p, fine, sum, err);
        bins_of(along[i], sum, &w, guess);
        double pt = sqrt(sum[0] * sum[0] + sum[1] * sum[1]), length = sqrt(pt * pt + sum[2] * sum[2]);
        int across = scale_of(err[0], pt * fine[i]), forward = scale_of(err[1], length * fine[i]);
        int scale[3] = {across, forward > across ? forward : across, across};
        uint64_t many_in = g.count_in[vertex] > 1, out = (uint64_t)(g.count_out[vertex] > 3 ? 3 : g.count_out[vertex]);
        int64_t d = g.first_out[vertex], dd = g.next_out[d];
        uint64_t step = of3((uint64_t)kind[i], (uint64_t)kind[d], out * 2 + many_in);
        uint64_t both = of(step, dd >= 0 ? (uint64_t)kind[dd] + 1 : 0);
        int before = 0, first = 0;
        int64_t turns = (int64_t)w.turns;
        for (int j = 0; j < (along[i] == NORMAL ? 3 : 1); j++) {
            int64_t r = decoding ? 0 : bins[3 * i + j] - guess[j];
            if (j == 2) r = r - turns * (int64_t)rint((double)r / w.turns);
            uint64_t s = (uint64_t)(scale[j] * 4 + j) * 2 + (along[i] != NORMAL);
            uint64_t context[CONTEXTS] = {of(step, s), of3(both, s, (uint64_t)before),
                                          of3((uint64_t)kind[i], s, (uint64_t)(before * 65 + first))};
            r = code_wide(&c, 2 * j, context, r);
            if (too_far(r)) c.wrong = 1;
            before = bits_in((uint64_t)(r < 0 ? -r : r));
            if (!j) first = before;
            if (!decoding) continue;
            r += guess[j];
            if (j == 2) r -= turns * (int64_t)rint((double)r / w.turns);
            bins[3 * i + j] = r;
        }
        if (decoding) momentum(along[i], bins + 3 * i, &w, p + 3 * i);
    }
    free(g.first_out);
    return end_coder(&c);
}

static double coded_free(Coder *c, int kind, uint64_t a, uint64_t b, uint64_t d, double x)
{
    uint64_t context[CONTEXTS] = {a, b, d}, i;
    memcpy(&i, &x, 8);
    uint64_t top = code_leaf(c, kind, context, 12, i >> 52);
    i = top << 52 | code_bits(c, 52, i);
    memcpy(&x, &i, 8);
    return x;
}

/* Momenta and energies exactly. p: (n, 4) px, py, pz, E; m: (n,) known. */
EXPORT int64_t hepae_exact_momenta(int64_t decoding, int64_t n, int64_t v, const int64_t *made, const int64_t *ends,
                           const int64_t *kind, const double *m, double *p, uint8_t *stream, int64_t size)
{
    Graph g;
    Coder c;
    if (graph(&g, n, v, made, ends)) return -2;
    uint8_t *late = calloc((size_t)n + 1, 1);
    if (start_coder(&c, (int)decoding, stream, size) || !late) {
        free(g.first_out), free(late), end_coder(&c);
        return -2;
    }
    int64_t many = in_turn(&g);
    for (int64_t k = 0; k < many; k++) late[g.target[g.queue[k]]] = 1;
    uint64_t before = 0, last[3] = {0, 0, 0};
    for (int64_t i = 0; i < n && !c.wrong; i++) {
        if (late[i]) continue;
        uint64_t tops = 0;
        for (int j = 0; j < 3; j++) {
            p[4 * i + j] = coded_free(&c, j, of((uint64_t)kind[i], tops), of3((uint64_t)kind[i], before, tops),
                                      of3(last[j], tops, 77), p[4 * i + j]);
            last[j] = (uint64_t)ordered(p[4 * i + j]) >> 52;
            tops = of(tops, last[j]);
        }
        before = (uint64_t)kind[i];
    }
    for (int64_t k = 0; k < many && !c.wrong; k++) {
        int64_t vertex = g.queue[k], i = g.target[vertex], d = g.first_out[vertex];
        uint64_t many_in = g.count_in[vertex] > 1, out = (uint64_t)(g.count_out[vertex] > 3 ? 3 : g.count_out[vertex]);
        uint64_t step = of3((uint64_t)kind[i], (uint64_t)kind[d], out * 2 + many_in), lengths = 0;
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int64_t q = g.first_out[vertex]; q >= 0; q = g.next_out[q]) sum += p[4 * q + j];
            for (int64_t q = g.first_in[vertex]; q >= 0; q = g.next_in[q]) if (q != i) sum -= p[4 * q + j];
            uint64_t context[CONTEXTS] = {of(step, (uint64_t)j), of3(step, lengths, 1), of3(lengths, (uint64_t)j, 2)};
            int64_t guess = guessed(sum), r = (int64_t)((uint64_t)ordered(p[4 * i + j]) - (uint64_t)guess);
            r = code_rough(&c, 3 + j, context, r);
            p[4 * i + j] = unordered((int64_t)((uint64_t)guess + (uint64_t)r));
            lengths = of(lengths, (uint64_t)bits_in((uint64_t)(r < 0 ? -r : r)));
        }
    }
    for (int64_t i = 0; i < n && !c.wrong; i++) {
        const double *q = p + 4 * i;
        double mm = m[i] < 0 ? -(m[i] * m[i]) : m[i] * m[i], square = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + mm;
        int64_t guess = guessed(square > 0 ? sqrt(square) : 0);
        uint64_t context[CONTEXTS] = {(uint64_t)kind[i], 1, of((uint64_t)kind[i], before)};
        int64_t r = code_rough(&c, 6, context, (int64_t)((uint64_t)ordered(p[4 * i + 3]) - (uint64_t)guess));
        p[4 * i + 3] = unordered((int64_t)((uint64_t)guess + (uint64_t)r));
        before = (uint64_t)bits_in((uint64_t)(r < 0 ? -r : r));
    }
    free(late);
    free(g.first_out);
    return end_coder(&c);
}
