/* Range coding with 24-bit frequencies, word for word as constriction's queue does it, and low bits in a row.

   Martin, "Range encoding", Video & Data Recording Conference (1979); FORMAT.md, section 3. */

#include "loops.h"

static const uint64_t WORD = (uint64_t)1 << 32;

/* Room for one more of a list that doubles; NULL if there is no memory. */
static void *with_room(void *list, int64_t many, int64_t *room, size_t size)
{
    if (many < *room) return list;
    int64_t more = *room ? 2 * *room : 4096;
    void *larger = realloc(list, more * size);
    if (larger) *room = more;
    return larger;
}

static void put_word(Output *o, uint32_t word)
{
    if (o->failed) return;
    uint32_t *words = with_room(o->words, o->many_words, &o->room_for_words, sizeof *words);
    if (!words) { o->failed = 1; return; }
    o->words = words;
    words[o->many_words++] = word;
}

void begin_encoding(Encoder *e, Output *output)
{
    *e = (Encoder){.width = ~(uint64_t)0, .output = output};
}

/* Words that waited for a carry, which has come or cannot come any more. */
static void put_pending(Encoder *e, int carry)
{
    if (!e->pending) return;
    put_word(e->output, e->first_pending + (carry ? 1 : 0));
    while (--e->pending) put_word(e->output, carry ? 0 : ~(uint32_t)0);
}

void encode_symbol(Encoder *e, uint64_t before, uint64_t frequency)
{
    uint64_t scale = e->width >> PRECISION, low = e->low + scale * before;
    e->width = scale * frequency;
    if (e->pending && low + e->width > low) put_pending(e, low < e->low);
    e->low = low;
    if (e->width >= WORD) return;
    uint32_t word = (uint32_t)(e->low >> 32);
    e->low <<= 32;
    e->width <<= 32;
    if (e->pending) e->pending++;
    else if (e->low + e->width > e->low) put_word(e->output, word);
    else {
        e->pending = 1;
        e->first_pending = word;
    }
}

/* The shortest end from which a decoder, which reads zeros after it, finds all symbols. */
void end_encoding(Encoder *e)
{
    if (e->width == ~(uint64_t)0) return; /* nothing was encoded */
    uint64_t point = e->low + (WORD - 1);
    put_pending(e, point < e->low);
    put_word(e->output, (uint32_t)(point >> 32));
    if ((uint32_t)(point >> 32) == (uint32_t)((e->low + e->width) >> 32)) put_word(e->output, 0);
}

void begin_decoding(Decoder *d, const uint32_t *words, int64_t many)
{
    *d = (Decoder){.width = ~(uint64_t)0, .words = words, .many = many};
    d->point = next_word(d) << 32;
    d->point |= next_word(d);
}

/* Eight bytes from a place on, zeros after the end. */
static uint64_t eight_bytes(const uint8_t *bytes, int64_t many, int64_t at)
{
    uint64_t found = 0;
    if (at + 8 <= many) { /* which compilers make one instruction of */
        for (int k = 0; k < 8; k++) found |= (uint64_t)bytes[at + k] << 8 * k;
        return found;
    }
    for (int64_t k = 0; at + k < many; k++) found |= (uint64_t)bytes[at + k] << 8 * k;
    return found;
}

/* The inverse, for eight bytes there are. */
static void put_eight_bytes(uint8_t *bytes, uint64_t x)
{
    for (int k = 0; k < 8; k++) bytes[k] = (uint8_t)(x >> 8 * k);
}

void write_bits(Output *o, uint64_t value, int64_t width)
{
    if (o->failed) return;
    while (o->room_for_bits < (o->many_bits >> 3) + 10) { /* eight bytes are written at once, and one */
        int64_t before = o->room_for_bits;
        uint8_t *bits = with_room(o->bits, before, &o->room_for_bits, 1);
        if (!bits) { o->failed = 1; return; }
        memset(bits + before, 0, o->room_for_bits - before);
        o->bits = bits;
    }
    int64_t open = o->many_bits & 7;
    uint8_t *at = o->bits + (o->many_bits >> 3);
    uint64_t kept = width == 64 ? value : value & (((uint64_t)1 << width) - 1);
    put_eight_bytes(at, eight_bytes(at, 8, 0) | kept << open);
    if (width + open > 64) at[8] = (uint8_t)(kept >> (64 - open));
    o->many_bits += width;
}

uint64_t read_bits(const uint8_t *bits, int64_t bytes, int64_t at, int64_t width)
{
    if (!width) return 0;
    int64_t open = at & 7;
    uint64_t found = eight_bytes(bits, bytes, at >> 3) >> open;
    if (width + open > 64) found |= (uint64_t)bits[(at >> 3) + 8] << (64 - open);
    return width == 64 ? found : found & (((uint64_t)1 << width) - 1);
}
