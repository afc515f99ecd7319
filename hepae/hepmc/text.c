/* Lines of HepMC3 text, which Python writes one by one.

   hepae/hepmc/write3.py says the same in Python; tests hold the two against each other. Built by setup.py, where there
   is a compiler. */

#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
void *PyInit__text(void) { return NULL; } /* setuptools' linker asks for it */
#elif defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

enum { VERSION = 2, LEAST = -292 };
#define TEN16 10000000000000000u
#define TEN17 100000000000000000u
#define LOW 0xFFFFFFFFu

/* Rises with every change of a function's arguments or results. */
EXPORT int64_t hepae_text_version(void) { return VERSION; }

/* Where text goes; `unsure` where 64 bits after the point do not tell how to round. `words`, `shifts`: leading 96 bits
   of powers of ten, from 10^LEAST on, and by which power of two they are to be multiplied. */
typedef struct {
    char *at, *end;
    const uint64_t *words;
    const int64_t *shifts;
    int unsure;
} Page;

static void put_integer(Page *t, int64_t x)
{
    char digits[20];
    int n = 0;
    uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    if (x < 0) *t->at++ = '-';
    do digits[n++] = (char)('0' + rest % 10); while (rest /= 10);
    while (n) *t->at++ = digits[--n];
}

/* The whole part of mantissa · 2^(e - 53) · 10^(16 - k), and 64 bits of what follows the point. */
static uint64_t whole_part(const Page *t, uint64_t mantissa, int64_t e, int64_t k, uint64_t *rest)
{
    const uint64_t *power = t->words + 3 * (16 - k - LEAST), m1 = mantissa >> 32, m0 = mantissa & LOW;
    uint64_t a = m0 * power[2], b = m0 * power[1], c = m1 * power[2], d = m0 * power[0], f = m1 * power[1];
    uint64_t one = (a >> 32) + (b & LOW) + (c & LOW);
    uint64_t two = (one >> 32) + (b >> 32) + (c >> 32) + (d & LOW) + (f & LOW);
    uint64_t high = (two >> 32) + (d >> 32) + (f >> 32) + m1 * power[0];
    int up = (int)(43 + e + t->shifts[16 - k - LEAST]) & 31;
    two &= LOW, one &= LOW, a &= LOW;
    *rest = (two << (32 + up)) + (one << up) + (a >> (32 - up));
    return high << up | two >> (32 - up);
}

/* A positive number: 17 digits, rounded as they should be, and its exponent. */
static uint64_t seventeen(Page *t, uint64_t bits, int64_t *k)
{
    int64_t e = (int64_t)(bits >> 52) - 1022;
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1), rest;
    if (e == -1022) for (e++; !(mantissa >> 52); mantissa <<= 1) e--;
    else mantissa |= (uint64_t)1 << 52;
    *k = (e - 1) * 1262611 >> 22; /* log 2 / log 10, a little too small: the exponent, or one less */
    uint64_t whole = whole_part(t, mantissa, e, *k, &rest), half = (uint64_t)1 << 63;
    if (whole >= TEN17) whole = whole_part(t, mantissa, e, ++*k, &rest);
    if ((rest > half ? rest - half : half - rest) < (uint64_t)1 << 26) t->unsure = 1;
    whole += rest >= half;
    if (whole < TEN16) t->unsure = 1;
    if (whole == TEN17) whole = TEN16, ++*k;
    return whole;
}

static void put_float(Page *t, double x)
{
    uint64_t bits, whole = 0;
    int64_t k = 0;
    char digits[17];
    memcpy(&bits, &x, 8);
    if (x == x && bits >> 63) *t->at++ = '-';
    bits &= ~((uint64_t)1 << 63);
    if (bits >> 52 == 2047) {
        memcpy(t->at, x == x ? "inf" : "nan", 3);
        t->at += 3;
        return;
    }
    if (bits) whole = seventeen(t, bits, &k);
    for (int j = 16; j >= 0; j--, whole /= 10) digits[j] = (char)('0' + whole % 10);
    *t->at++ = digits[0];
    *t->at++ = '.';
    memcpy(t->at, digits + 1, 16);
    t->at += 16;
    *t->at++ = 'e';
    *t->at++ = k < 0 ? '-' : '+';
    if (k < 0) k = -k;
    if (k > 99) *t->at++ = (char)('0' + k / 100);
    *t->at++ = (char)('0' + k / 10 % 10);
    *t->at++ = (char)('0' + k % 10);
}

static void put_floats(Page *t, const double *x, int n)
{
    for (int j = 0; j < n; j++) *t->at++ = ' ', put_float(t, x[j]);
}

/* A vertex by number from 0: the particles that enter it, by number from 1, and its place, if it has one. */
static void put_vertex(Page *t, int64_t k, int64_t status, const int64_t *entering, int64_t n, const double *place)
{
    memcpy(t->at, "V -", 3), t->at += 3;
    put_integer(t, k + 1), *t->at++ = ' ';
    put_integer(t, status), *t->at++ = ' ', *t->at++ = '[';
    for (int64_t j = 0; j < n; j++) {
        if (j) *t->at++ = ',';
        put_integer(t, entering[j]);
    }
    *t->at++ = ']';
    if (place[0] != 0 || place[1] != 0 || place[2] != 0 || place[3] != 0) {
        memcpy(t->at, " @", 2), t->at += 2;
        put_floats(t, place, 4);
    }
    *t->at++ = '\n';
}

enum { MOST_OF_PARTICLE = 4 * 21 + 5 * 25 + 4, MOST_OF_VERTEX = 2 * 21 + 4 * 25 + 10, MOST_OF_NUMBER = 21 };

/* Particles and vertices of an event. `ids`, (n, 4): number, what the line names (vertex or mother), pid, status;
   `momenta`, (n, 5); `places`, (v, 4); those that enter vertex k are entering[first_in[k]] … entering[first_in[k + 1] -
   1]; `child`: before which particle (from 0) a vertex stands, -1: at the end, -2: it has no line; `next`, (n + 1 + v):
   room. Bytes of the text; -1: there is no room for it, -2: it is not sure how to round. */
EXPORT int64_t hepae_body3(int64_t n, const int64_t *ids, const double *momenta, int64_t v, const int64_t *status,
                           const double *places, const int64_t *entering, const int64_t *first_in,
                           const int64_t *child, const uint64_t *words, const int64_t *shifts, int64_t *next,
                           char *text, int64_t room)
{
    Page t = {text, text + room, words, shifts, 0};
    int64_t *first = next + v, need = n * MOST_OF_PARTICLE + v * MOST_OF_VERTEX + first_in[v] * MOST_OF_NUMBER;
    if (room < need) return -1;
    for (int64_t i = 0; i <= n; i++) first[i] = -1;
    for (int64_t k = v - 1; k >= 0; k--) {
        if (child[k] < -1 || child[k] >= n) continue;
        int64_t before = child[k] < 0 ? n : child[k];
        next[k] = first[before], first[before] = k;
    }
    for (int64_t i = 0; i <= n; i++) {
        for (int64_t k = first[i]; k >= 0; k = next[k])
            put_vertex(&t, k, status[k], entering + first_in[k], first_in[k + 1] - first_in[k], places + 4 * k);
        if (i == n) break;
        const int64_t *own = ids + 4 * i;
        *t.at++ = 'P';
        for (int j = 0; j < 3; j++) *t.at++ = ' ', put_integer(&t, own[j]);
        put_floats(&t, momenta + 5 * i, 5);
        *t.at++ = ' ', put_integer(&t, own[3]), *t.at++ = '\n';
    }
    return t.unsure ? -2 : t.at - text;
}
