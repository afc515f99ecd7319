/* The walk over rows, columns and blocks of a table of integers.

   hepae/codec/density.py says the same in numpy (plans that need a learned predictor go that way); tests hold the two
   against each other. FORMAT.md, sections 3 and 4. */

#include "plan.h"

enum { OFTEN = 512, HALF = 1 << (PRECISION - 1) };

/* A block of rows of a column, with what symbols leave out. */
typedef struct {
    const Plan *plan;
    Room room;
    int64_t m;
    uint64_t *rest;
    const uint32_t *before; /* frequencies of a context, added up: made in `sums`, or fixed */
    uint32_t *sums;
    const uint32_t *fixed; /* of all contexts of the column; NULL: they follow from counts */
    uint16_t firsts[1 << (PRECISION - FIRSTS)];
    Encoder *encoder;
    Decoder *decoder;
    int damaged;
} Block;

static int make_block(Block *b, int64_t most, int64_t contexts, int64_t size)
{
    *b = (Block){0};
    b->rest = malloc(sizeof *b->rest * most);
    b->sums = malloc(sizeof *b->sums * (size + 1));
    return make_room(&b->room, most, contexts) || !b->rest || !b->sums ? NO_MEMORY : 0;
}

static void free_block(Block *b)
{
    free_room(&b->room);
    free(b->rest);
    free(b->sums);
}

static void add_up_to(Block *b, int64_t c, const int64_t *frequencies)
{
    b->before = b->fixed ? b->fixed + c * (b->plan->size + 1) : b->sums;
    if (b->fixed) return;
    b->sums[0] = 0;
    for (int64_t s = 0; s < b->plan->size; s++) b->sums[s + 1] = b->sums[s] + (uint32_t)frequencies[s];
}

static void encode_context(void *whose, int64_t c, const int64_t *frequencies)
{
    Block *b = whose;
    add_up_to(b, c, frequencies);
    for (int64_t i = b->room.start[c]; i < b->room.start[c + 1]; i++) {
        int64_t s = b->room.symbols[b->room.sorted[i]];
        encode_symbol(b->encoder, b->before[s], b->before[s + 1] - b->before[s]);
    }
}

/* The symbol of the first place of each upper part: it pays where many symbols are looked for. */
static const uint16_t *find_firsts(Block *b, int64_t symbols)
{
    if (symbols < OFTEN || b->plan->size > 1 << 16) return NULL;
    for (int64_t k = 0, s = 0; k < 1 << (PRECISION - FIRSTS); k++) {
        while (b->before[s + 1] <= k << FIRSTS) s++;
        b->firsts[k] = (uint16_t)s;
    }
    return b->firsts;
}

static void decode_context(void *whose, int64_t c, const int64_t *frequencies)
{
    Block *b = whose;
    const Room *r = &b->room;
    int64_t start = r->start[c], end = r->start[c + 1];
    Decoder d = *b->decoder; /* in registers */
    add_up_to(b, c, frequencies);
    Symbols known = {b->before, b->plan->size, -1, find_firsts(b, end - start)};
    int64_t middle = symbol_at(HALF, &known);
    if (b->before[middle + 1] - b->before[middle] > HALF) known.likely = middle;
    for (int64_t i = start; i < end && !b->damaged; i++) {
        int64_t s = decode_symbol(&d, &known);
        b->damaged = s < 0;
        r->symbols[r->sorted[i]] = s;
    }
    *b->decoder = d;
}

/* The core's low bits, then those of the others by ascending number of bits. */
static void write_rest(const Block *b, Output *o)
{
    int64_t others = 0, found[65] = {0};
    for (int64_t i = 0; i < b->m; i++) {
        if (b->room.symbols[i] >= b->plan->specials) write_bits(o, b->rest[i], b->plan->shift);
        else others += found[width_of(b->plan, b->room.symbols[i])]++ >= 0;
    }
    for (int64_t w = 1; w <= 64 && others; w++)
        for (int64_t i = 0; i < b->m && found[w]; i++) {
            if (b->room.symbols[i] >= b->plan->specials || width_of(b->plan, b->room.symbols[i]) != w) continue;
            write_bits(o, b->rest[i], w);
            found[w]--;
        }
}

/* The inverse; `at` goes on from bit to bit. */
static int read_rest(Block *b, const uint8_t *bits, int64_t bytes, int64_t *at)
{
    int64_t core = 0, found[65] = {0};
    for (int64_t i = 0; i < b->m; i++) {
        b->rest[i] = 0;
        if (b->room.symbols[i] >= b->plan->specials) core++;
        else found[width_of(b->plan, b->room.symbols[i])]++;
    }
    if (*at + core * b->plan->shift > 8 * bytes) return BITS_END;
    for (int64_t i = 0; i < b->m && b->plan->shift; i++) {
        if (b->room.symbols[i] < b->plan->specials) continue;
        b->rest[i] = read_bits(bits, bytes, *at, b->plan->shift);
        *at += b->plan->shift;
    }
    for (int64_t w = 1; w <= 64; w++) {
        if (*at + found[w] * w > 8 * bytes) return BITS_END;
        for (int64_t i = 0; i < b->m && found[w]; i++) {
            if (b->room.symbols[i] >= b->plan->specials || width_of(b->plan, b->room.symbols[i]) != w) continue;
            b->rest[i] = read_bits(bits, bytes, *at, w);
            *at += w;
            found[w]--;
        }
    }
    return 0;
}

/* What encoder and decoder walk over. `order`: rows as they are coded, NULL: as they are; `ends`: of its groups. */
typedef struct {
    int64_t many_rows, many_columns, first, many_groups;
    const int64_t *order, *ends;
    Table table;
    int64_t most_escapes; /* of those that are decoded; -1: any number */
    const uint32_t *const *fixed; /* of each column: (contexts, size + 1) frequencies, added up; NULL: they are learned */
} Walk;

/* Visit the contexts that the block's rows are in. */
static int each_context(Block *b, const int32_t *counts, Visit visit)
{
    const Plan *p = b->plan;
    if (!b->fixed)
        return each_table(counts, (int)p->levels, p->size, p->specials, p->strength, b->room.wanted, visit, b);
    for (int64_t c = 0; c < (int64_t)1 << p->levels; c++) if (b->room.wanted[c]) visit(b, c, NULL);
    return 0;
}

/* The value of a column in the row before, less what its splines say of that row; 0 for the first row. */
static int add_row_before(const Walk *w, const Plan *p, int64_t k, Block *b)
{
    const int64_t *column = w->table.Q + k * w->table.across;
    int64_t *ago = b->room.symbols, *own = b->room.own; /* symbols come later */
    for (int64_t i = 0; i < b->m; i++) ago[i] = b->room.rows[i] ? b->room.rows[i] - 1 : 0;
    int wrong = own_shift(p, &w->table, ago, b->m, b->room.x, own);
    for (int64_t i = 0; i < b->m && !wrong; i++)
        if (b->room.rows[i]) b->room.shift[i] += (column[ago[i] * w->table.down] >> p->zeros) - own[i];
    return wrong;
}

/* Shifts and contexts of a block's rows. */
static int look(const Walk *w, Block *b)
{
    Room *r = &b->room;
    int wrong = own_shift(b->plan, &w->table, r->rows, b->m, r->x, r->shift);
    return wrong ? wrong : find_contexts(b->plan, &w->table, r->rows, b->m, r->shift, r->x, r->contexts);
}

static int encode_block(const Walk *w, int64_t k, Block *b, const int32_t *counts, Output *o)
{
    const Table *t = &w->table;
    const Plan *p = b->plan;
    int wrong = look(w, b);
    if (!wrong && p->steps) wrong = add_row_before(w, p, k, b);
    if (!wrong && p->same != NO_SAME) wrong = read_parent(t, p->same, b->room.rows, b->m, b->room.own);
    if (wrong) return wrong;
    for (int64_t i = 0; i < b->m; i++) {
        int64_t q = t->Q[k * t->across + b->room.rows[i] * t->down], f;
        b->rest[i] = 0;
        if (t->escapes[k * t->across_escapes + b->room.rows[i] * t->down_escapes]) b->room.symbols[i] = 0;
        else if ((f = which_frequent(p, q >> p->zeros)) >= 0) b->room.symbols[i] = 1 + f;
        else if (p->same != NO_SAME && q >> p->zeros == b->room.own[i] >> p->zeros)
            b->room.symbols[i] = p->first_tail - 1;
        else b->room.symbols[i] = symbol_of(p, residual(p, q, b->room.shift[i]), b->rest + i);
    }
    sort_rows(&b->room, 0, 1, b->m, p->levels);
    if (each_context(b, counts, encode_context)) return NO_MEMORY;
    write_rest(b, o);
    return 0;
}

/* What is not kept in the table: where the words and bits come from, and how many escapes there may be. */
typedef struct {
    Decoder decoder;
    const uint8_t *bits;
    int64_t bytes, at, escapes_left;
} Input;

/* Values of a block's symbols, in the order of rows, because steps need the row before. */
static void put_values(const Walk *w, int64_t k, const Block *b)
{
    const Table *t = &w->table;
    const Plan *p = b->plan;
    int64_t *column = t->Q + k * t->across, *own = b->room.own, held = p->same == NO_SAME ? -1 : p->first_tail - 1;
    uint8_t *escapes = t->escapes + k * t->across_escapes;
    for (int64_t i = 0; i < b->m; i++) {
        int64_t r = b->room.rows[i], s = b->room.symbols[i], shift = b->room.shift[i];
        if (p->steps && r) shift += (column[(r - 1) * t->down] >> p->zeros) - own[i];
        int64_t v = s == held ? own[i] >> p->zeros : value_of(p, s, b->rest[i]);
        int64_t q = restored(p, v, shift, s < p->first_tail);
        column[r * t->down] = s ? q : 0;
        escapes[r * t->down_escapes] = !s;
    }
}

static int decode_block(const Walk *w, int64_t k, Block *b, const int32_t *counts, Input *in)
{
    const Plan *p = b->plan;
    int wrong = look(w, b);
    if (wrong) return wrong;
    sort_rows(&b->room, 0, 1, b->m, p->levels);
    b->damaged = 0;
    if (each_context(b, counts, decode_context)) return NO_MEMORY;
    if (b->damaged) return DAMAGED;
    for (int64_t i = 0; i < b->m; i++) in->escapes_left -= !b->room.symbols[i];
    if (w->most_escapes >= 0 && in->escapes_left < 0) return TOO_MANY_ESCAPES;
    if ((wrong = read_rest(b, in->bits, in->bytes, &in->at))) return wrong;
    if (p->steps) {
        for (int64_t i = 0; i < b->m; i++) b->room.sorted[i] = b->room.rows[i] ? b->room.rows[i] - 1 : 0;
        if ((wrong = own_shift(p, &w->table, b->room.sorted, b->m, b->room.x, b->room.own))) return wrong;
    }
    if (p->same != NO_SAME && (wrong = read_parent(&w->table, p->same, b->room.rows, b->m, b->room.own))) return wrong;
    put_values(w, k, b);
    return 0;
}

/* Rows that are coded with one table, after so many of the group. */
static int64_t next_block(int64_t seen, int64_t left)
{
    int64_t m = seen / 2 ? seen / 2 : 64;
    return m < left ? m : left;
}

/* Go through groups, columns and blocks; with `o`, encode, else decode from `in`. */
static int walk_through(const Walk *w, const Plan *plans, int32_t **counts, Block *b, Output *o, Input *in)
{
    for (int64_t g = 0, start = 0; g < w->many_groups; start = w->ends[g++])
        for (int64_t k = w->first; k < w->many_columns; k++) {
            b->plan = plans + k;
            b->fixed = w->fixed ? w->fixed[k] : NULL;
            if (!counts[k] && !b->fixed) counts[k] = new_counts((int)b->plan->levels, b->plan->size);
            if (!counts[k] && !b->fixed) return NO_MEMORY;
            for (int64_t at = start; at < w->ends[g]; at += b->m) {
                b->m = b->fixed ? w->ends[g] - at : next_block(at - start, w->ends[g] - at);
                for (int64_t i = 0; i < b->m; i++) b->room.rows[i] = w->order ? w->order[at + i] : at + i;
                int wrong = o ? encode_block(w, k, b, counts[k], o) : decode_block(w, k, b, counts[k], in);
                if (wrong) return wrong;
                if (b->fixed) continue;
                const Room *r = &b->room;
                count(counts[k], (int)b->plan->levels, b->plan->size, r->contexts, r->symbols, b->m);
            }
            if (g + 1 < w->many_groups) continue;
            free(counts[k]); /* of a table without groups, only one column's are in memory */
            counts[k] = NULL;
        }
    return 0;
}

/* Set up plans, counts and a block, go through all, and put them away. */
static int walk(const Walk *w, const int64_t *numbers, Output *o, Input *in)
{
    int64_t contexts = 1, size = 1, most = 64, wrong = 0;
    Plan *plans = malloc(sizeof *plans * (w->many_columns + 1));
    int32_t **counts = calloc(w->many_columns + 1, sizeof *counts);
    Encoder encoder;
    Block block = {0};
    if (!plans || !counts) wrong = NO_MEMORY;
    for (int64_t k = 0; k < w->many_columns && !wrong; k++) {
        numbers = read_plan(numbers, plans + k);
        if (k < w->first) continue;
        if (contexts >> plans[k].levels == 0) contexts = (int64_t)1 << plans[k].levels;
        if (size < plans[k].size) size = plans[k].size;
    }
    for (int64_t g = 0, start = 0; g < w->many_groups; start = w->ends[g++]) {
        int64_t together = w->fixed ? w->ends[g] - start : (w->ends[g] - start) / 3 + 1;
        if (most < together) most = together;
    }
    if (!wrong) wrong = make_block(&block, most, contexts, size);
    block.encoder = &encoder;
    if (o) begin_encoding(&encoder, o);
    else block.decoder = &in->decoder;
    if (!wrong) wrong = walk_through(w, plans, counts, &block, o, in);
    if (o && !wrong) {
        o->low = encoder.low;
        o->width = encoder.width;
        o->sure = o->many_words + encoder.pending;
        end_encoding(&encoder);
    }
    for (int64_t k = 0; counts && k < w->many_columns; k++) free(counts[k]);
    free_block(&block);
    free(counts);
    free(plans);
    return wrong ? (int)wrong : o && o->failed ? NO_MEMORY : 0;
}

/* Code a table; the caller frees the output. 0, or what went wrong. */
EXPORT int64_t hepae_encode(const Walk *w, const int64_t *plan, Output *output)
{
    *output = (Output){0};
    return walk(w, plan, output, NULL);
}

EXPORT void hepae_free(Output *output)
{
    free(output->words);
    free(output->bits);
    *output = (Output){0};
}

/* Fill Q and escapes from words and bits. 0, or what went wrong. */
EXPORT int64_t hepae_decode(const Walk *w, const int64_t *plan, const uint32_t *words, int64_t many_words,
                            const uint8_t *bits, int64_t bytes)
{
    Input in = {.bits = bits, .bytes = bytes, .escapes_left = w->most_escapes};
    begin_decoding(&in.decoder, words, many_words);
    return walk(w, plan, NULL, &in);
}
