#include <stdlib.h>
#include <string.h>
#include "contexts.h"

#define MOST_NAMES 65536
#define MOST_SHIFTED ((int64_t)1 << 36)

enum { CAME, ENTERING, MOTHER, OTHERS, STATUS, PID, NEW_NUMBER, GOES, LABEL, ORDINARY, TAG, SEEN, FRESH, EXTRA = 16 };

#define ABSENT INT64_MIN
#define MOST_TAGS 4           /* columns of them */
#define NEW_TAG 2             /* way of a tag that no relative has */
#define MOST_CODES 16         /* columns of other small numbers */
#define MOST_REMEMBERED 4096  /* tags of an event */

/* Distinct numbers in order of appearance; `place`: which one (from 1) a number is, by what it hashes to. */
typedef struct {
    int64_t *value, n;
    int32_t *place;
} Names;

typedef struct {
    Coder c;
    Names pids, statuses;
    int extras, tags;                     /* other small numbers; of these the last ones are tags, as of colour */
    int64_t *remembered, many, most;      /* tags of the event, the latest last; the largest */
    int64_t n, v;                         /* particles and vertices of the event */
    int64_t *made, *ends;         /* of the event: vertex numbers from 1, 0: none; numbers by sequence */
    int64_t *pid, *status, *extra;        /* numbers of names; (extras, stride) */
    const uint8_t *plain;                 /* without place and status: by number (encoding) or sequence */
    int64_t *first, *next;                /* particles that enter each vertex, by label (encoding) */
    int64_t *seen, *sequence;             /* when a number appeared, from 1 (encoding); the numbers in sequence */
    int64_t *mother, *partner;            /* of each vertex in sequence: the first and second particle that entered */
    int64_t *entered;                     /* and how many were known */
    int64_t *open, from, to, shifted;     /* particles that end at a vertex which has not appeared */
    int64_t *way;                         /* how the first mother of each vertex was found */
    int64_t appeared;
    int64_t second;                       /* the second that entered the vertex at hand; -1: none */
    uint64_t way_of_sister;               /* how the tags of the particle before were found */
    uint64_t late;                        /* by how much the vertex before had a smaller number than its place */
} Walk;

static int64_t coded(Walk *w, int kind, uint64_t a, uint64_t b, uint64_t d, int64_t value)
{
    uint64_t context[CONTEXTS] = {a, b, d};
    return code_number(&w->c, kind, context, value);
}

static int new_names(Names *names)
{
    names->value = malloc(sizeof *names->value * MOST_NAMES);
    names->place = calloc(2 * MOST_NAMES, sizeof *names->place);
    return !names->value || !names->place;
}

static int64_t name(Walk *w, Names *names, int64_t value)
{
    uint64_t at = (uint64_t)value * 0x9E3779B97F4A7C15u >> 47;
    for (; names->place[at]; at = (at + 1) % (2 * MOST_NAMES))
        if (names->value[names->place[at] - 1] == value) return names->place[at] - 1;
    if (names->n == MOST_NAMES) { w->c.wrong = 1; return 0; }
    names->value[names->n++] = value;
    names->place[at] = (int32_t)names->n;
    return names->n - 1;
}

/* A number that has a name, or gets one. Those of pids are mostly what they were. */
static int64_t named(Walk *w, int kind, Names *names, uint64_t a, uint64_t b, uint64_t d, int64_t value)
{
    uint64_t context[CONTEXTS] = {a, b, d};
    int64_t before = names->n, k = w->c.decoding ? 0 : name(w, names, value);
    k = kind == PID ? code_again(&w->c, kind, context, 8, k) : code_small(&w->c, kind, context, 5, k);
    if (k < before) return k;
    if (k > before || (w->c.decoding && before == MOST_NAMES)) { w->c.wrong = 1; return 0; }
    int64_t fresh = unfolded((uint64_t)coded(w, NEW_NUMBER, (uint64_t)kind, 0, 0, (int64_t)folded(value)));
    if (w->c.decoding) names->value[names->n++] = fresh;
    return k;
}

/* Take an open particle out; the shorter side moves. */
static int64_t taken(Walk *w, int64_t at)
{
    int64_t i = w->open[at], left = at - w->from, right = w->to - at - 1;
    if (left < right) {
        memmove(w->open + w->from + 1, w->open + w->from, sizeof i * (size_t)left);
        w->from++, w->shifted += left;
    } else {
        memmove(w->open + at, w->open + at + 1, sizeof i * (size_t)right);
        w->to--, w->shifted += right;
    }
    return i;
}

static uint64_t kind_of(Walk *w, int64_t i)
{
    return i < 0 ? 0 : of((uint64_t)w->pid[i], (uint64_t)w->status[i]);
}

/* The particle, among those open, which enters a vertex: counted from the oldest (1, 2, …) or newest (-1, -2, …). */
static int64_t entering(Walk *w, int kind, uint64_t a, uint64_t b, uint64_t d, int64_t i, int64_t *rank)
{
    int64_t count = w->to - w->from, at = w->from;
    if (!w->c.decoding) {
        int64_t near = 0;
        while (w->open[w->from + near] != i && w->open[w->to - 1 - near] != i) near++;
        at = w->open[w->from + near] == i ? w->from + near : w->to - 1 - near;
        *rank = 2 * (at - w->from) < count ? at - w->from + 1 : at - w->to;
    }
    *rank = unfolded((uint64_t)coded(w, kind, a, b, d, (int64_t)folded(*rank)));
    at = *rank > 0 ? w->from + *rank - 1 : w->to + *rank;
    if (!*rank || at < w->from || at >= w->to || w->shifted > MOST_SHIFTED) { w->c.wrong = 1; return -1; }
    return taken(w, at);
}

static uint64_t clip(int64_t x, int64_t most) { return folded(x < -most ? -most : x > most ? most : x); }

/* The next vertex: what enters it, of what was there before it. `label`: its number, when encoding. */
static void appear(Walk *w, int64_t label, int64_t last)
{
    int64_t k = w->appeared++, known = 0;
    int64_t before = k ? w->way[k - 1] : 0, many = k ? w->entered[k - 1] : 0;
    if (!w->c.decoding) {
        w->seen[label] = k + 1;
        w->sequence[k] = label;
        for (int64_t i = w->first[label]; i >= 0 && i < last; i = w->next[i]) known++;
    }
    int64_t count = w->to - w->from;
    uint64_t oldest = count ? kind_of(w, w->open[w->from]) : 0, newest = count ? kind_of(w, w->open[w->to - 1]) : 0;
    uint64_t way = of(clip(before, 3), (uint64_t)(many > 1));
    known = coded(w, ENTERING, of(oldest, newest), of(way, newest), of3(way, oldest, newest), known);
    if (known > count) { w->c.wrong = 1; known = 0; }
    w->entered[k] = known;
    w->mother[k] = w->partner[k] = -1;
    w->way[k] = 0;
    int64_t i = w->c.decoding ? -1 : w->first[label], rank = 0, of_first = 0;
    for (int64_t j = 0; j < known && !w->c.wrong; j++) {
        int64_t found;
        if (!j) {
            found = entering(w, MOTHER, of3(way, (uint64_t)(known > 1), 0), of3(newest, oldest, (uint64_t)(known > 1)),
                             of3(way, newest, oldest), i, &rank);
            w->mother[k] = found, w->way[k] = of_first = rank;
        } else {
            uint64_t m = kind_of(w, w->mother[k]);
            newest = w->to > w->from ? kind_of(w, w->open[w->to - 1]) : 0;
            found = entering(w, OTHERS, of3(clip(rank, 3), (uint64_t)(j > 1), newest), of3(m, newest, clip(rank, 9)),
                             of3(clip(of_first, 3), m, (uint64_t)known), i, &rank);
        }
        if (found < 0) return;
        if (j == 1) w->partner[k] = found;
        if (w->c.decoding) w->ends[found] = k + 1;
        else i = w->next[i];
    }
}

/* Encoding: which particles enter each vertex, in order. */
static void list_entering(Walk *w)
{
    for (int64_t k = 0; k <= w->v; k++) w->first[k] = -1, w->seen[k] = 0;
    for (int64_t i = w->n - 1; i >= 0; i--)
        if (w->ends[i]) w->next[i] = w->first[w->ends[i]], w->first[w->ends[i]] = i;
}

/* A tag that no relative has: one that the event has had, or a fresh one. */
static int64_t other_tag(Walk *w, uint64_t own, uint64_t above, int64_t value)
{
    int64_t back = 0;
    if (!w->c.decoding) while (back < w->many && w->remembered[w->many - 1 - back] != value) back++;
    back = coded(w, SEEN, own, above, (uint64_t)(w->many > 40 ? 40 : w->many), back < w->many ? back + 1 : 0);
    if (back > w->many) { w->c.wrong = 1; return 0; }
    if (back) return w->remembered[w->many - back];
    int64_t most = w->many ? w->most : 0;
    uint64_t context[CONTEXTS] = {own, w->many > 0, 0};
    int64_t far = code_wide(&w->c, FRESH, context, (int64_t)((uint64_t)value - (uint64_t)most));
    return (int64_t)((uint64_t)most + (uint64_t)far);
}

static void remember(Walk *w, int64_t value)
{
    int64_t at = w->many - 1;
    while (at >= 0 && w->remembered[at] != value) at--;
    if (at < 0 && w->many == MOST_REMEMBERED) at = 0;
    if (at >= 0) memmove(w->remembered + at, w->remembered + at + 1, sizeof value * (size_t)(--w->many - at));
    w->remembered[w->many++] = value;
    if (w->many == 1 || value > w->most) w->most = value;
}

/* Tags of a particle: absent, its mother's, another one, 0, or one of mother, sister or second mother. */
static void code_tags(Walk *w, int64_t i, int64_t mother, int64_t sister, uint64_t own, uint64_t above)
{
    uint64_t before = 0;
    int from = w->extras - w->tags;
    for (int e = from; e < w->extras; e++) {
        int64_t *x = w->extra + e * w->n, relative[3] = {mother, sister, w->second};
        int64_t likely[3 * MOST_TAGS + 3] = {ABSENT};
        int count = 1;
        for (int r = 0; r < 3; r++)
            for (int k = 0; k < w->tags; k++) {
                const int64_t *tag = w->extra + (from + (e - from + k) % w->tags) * w->n;
                likely[count++] = relative[r] < 0 ? ABSENT : tag[relative[r]];
                if (count == NEW_TAG) likely[count++] = ABSENT, likely[count++] = 0;
            }
        int64_t way = 0;
        if (!w->c.decoding) while (way < count && likely[way] != x[i]) way++;
        if (way == count) way = NEW_TAG;
        way = coded(w, TAG, of3(own, (uint64_t)e, before), of3(own, above, of((uint64_t)e, before)),
                    of3(own, of(above, w->way_of_sister), of((uint64_t)e, before)), way);
        if (way >= count) { w->c.wrong = 1; return; }
        if (way == NEW_TAG) x[i] = other_tag(w, own, above, x[i]);
        else x[i] = likely[way];
        if (x[i] && x[i] != ABSENT) remember(w, x[i]);
        before = of(before, (uint64_t)way);
    }
    w->way_of_sister = before;
}

/* Particles one by one. While encoding, `made` and `ends` are labels; decoding, places in the sequence, from 1. */
static void particles(Walk *w)
{
    int64_t place = 0, sisters = 0, came = 0;
    uint64_t sister = 0, sisters_kind = 0, last = 0;
    for (int64_t i = 0; i < w->n && !w->c.wrong; i++) {
        int64_t made = w->made[i], at = w->c.decoding || !made ? 0 : w->seen[made];
        uint64_t m = place ? kind_of(w, w->mother[place - 1]) : 0;
        int64_t before = came;
        if (!w->c.decoding) came = !made ? (place || !i ? 2 : 0) : !at ? 1 : at == place ? 0 : 3 + w->appeared - at;
        came = coded(w, CAME, of3(m, (uint64_t)sisters, 0), of3(last, (uint64_t)before, m), of3(m, sisters_kind, 1),
                     came);
        if (came == 0) at = place;
        else if (came == 1) {
            if (w->appeared >= w->v) { w->c.wrong = 1; return; }
            appear(w, made, i);
            if (w->c.wrong) return;
            at = w->appeared;
        } else at = came == 2 ? 0 : w->appeared - (came - 3);
        if (at < 0 || (came > 2 && at < 1)) { w->c.wrong = 1; return; }
        if (came) sisters = 0, sister = 0, sisters_kind = 0;
        if (w->c.decoding) w->made[i] = at;
        place = at;
        int64_t mother = at ? w->mother[at - 1] : -1;
        int64_t many = at ? w->entered[at - 1] : 0;
        w->second = at ? w->partner[at - 1] : -1;
        uint64_t above = mother < 0 ? 0 : kind_of(w, mother), pid = mother < 0 ? 0 : 1 + (uint64_t)w->pid[mother];
        int64_t k = named(w, STATUS, &w->statuses, of3(above, (uint64_t)sisters, (uint64_t)many),
                          of3(above, sister, (uint64_t)(many > 1)), of3(last, above, (uint64_t)came), w->status[i]);
        w->status[i] = k;
        w->pid[i] = named(w, PID, &w->pids, of3(above, (uint64_t)k, 0), of3(above, (uint64_t)k, sisters_kind),
                          of3(pid, (uint64_t)k, sister), w->pid[i]);
        uint64_t own = kind_of(w, i);
        for (int e = 0; e < w->extras - w->tags; e++) {
            int64_t *x = w->extra + e * w->n;
            uint64_t hers = mother < 0 ? 0 : 1 + (uint64_t)x[mother];
            x[i] = coded(w, EXTRA + e, of3(own, hers, 0), of3(own, above, hers), of3(own, sister, hers), x[i]);
        }
        code_tags(w, i, mother, came ? -1 : i - 1, own, above);
        int64_t goes = 0;
        if (!w->c.decoding) {
            int64_t end = w->ends[i];
            goes = !end ? 0 : !w->seen[end] ? 1 : 2 + w->appeared - w->seen[end];
        }
        goes = coded(w, GOES, (uint64_t)k, own, of(own, above), goes);
        if (goes == 1) w->open[w->to++] = i;
        else if (goes > 1) {
            int64_t end = w->appeared - (goes - 2);
            if (end < 1) { w->c.wrong = 1; return; }
            if (w->c.decoding) w->ends[i] = end;
        } else if (w->c.decoding) w->ends[i] = 0;
        sisters++;
        sister = own, last = own;
        sisters_kind = of(sisters_kind, (uint64_t)w->pid[i]);
    }
}

/* Numbers of vertices. Those that need no line of text take, in sequence, what the others leave. */
static int unnamed(Walk *w, const int64_t *entered, const int64_t *left, int64_t k)
{
    return entered[k] == 1 && left[k] && w->plain[w->c.decoding ? k : w->sequence[k] - 1];
}

static void count_ends(Walk *w, int64_t *entered, int64_t *left)
{
    memset(entered, 0, sizeof *entered * (size_t)w->v);
    memset(left, 0, sizeof *left * (size_t)w->v);
    for (int64_t i = 0; i < w->n; i++) {
        int64_t a = w->made[i], b = w->ends[i];
        if (a) left[w->c.decoding ? a - 1 : w->seen[a] - 1]++;
        if (b) entered[w->c.decoding ? b - 1 : w->seen[b] - 1]++;
    }
}

/* Encoding: do the unnamed have the numbers that others leave? */
static int follow_the_rule(Walk *w, const int64_t *entered, const int64_t *left, int64_t *used)
{
    int64_t next = 1;
    memset(used, 0, sizeof *used * (size_t)(w->v + 2));
    for (int64_t k = 0; k < w->v; k++) if (!unnamed(w, entered, left, k)) used[w->sequence[k]] = 1;
    for (int64_t k = 0; k < w->v; k++) {
        if (!unnamed(w, entered, left, k)) continue;
        while (used[next]) next++;
        if (w->sequence[k] != next++) return 0;
    }
    return 1;
}

static void labels(Walk *w, int64_t *entered, int64_t *left, int64_t *used)
{
    count_ends(w, entered, left);
    int ordinary = w->c.decoding ? 0 : follow_the_rule(w, entered, left, used);
    ordinary = coded(w, ORDINARY, 0, 0, 0, ordinary) != 0;
    if (w->c.decoding) memset(used, 0, sizeof *used * (size_t)(w->v + 2));
    int64_t late = 0, next = 1;
    for (int64_t k = 0; k < w->v && !w->c.wrong; k++) {
        if (ordinary && unnamed(w, entered, left, k)) continue;
        int64_t from = w->mother[k] < 0 ? 0 : w->made[w->mother[k]];
        if (!w->c.decoding && from) from = w->seen[from];
        uint64_t one = (uint64_t)(entered[k] == 1) * 2 + (uint64_t)(left[k] == 0);
        late = w->c.decoding ? 0 : k + 1 - w->sequence[k];
        uint64_t before = clip(w->way[k], 9);
        late = unfolded((uint64_t)coded(w, LABEL, of3(one, clip(k - from, 500), w->way[k] < 0),
                                        of3(one, w->late, before), of3(one, before, 7), (int64_t)folded(late)));
        w->late = clip(late, 40);
        if (!w->c.decoding) continue;
        int64_t label = k + 1 - late;
        if (label < 1 || label > w->v || used[label]) { w->c.wrong = 1; return; }
        used[label] = 1;
        w->sequence[k] = label;
    }
    for (int64_t k = 0; k < w->v && w->c.decoding && ordinary; k++) {
        if (!unnamed(w, entered, left, k)) continue;
        while (next <= w->v && used[next]) next++;
        if (next > w->v) { w->c.wrong = 1; return; }
        w->sequence[k] = next++;
    }
}

static void event(Walk *w, int64_t *spare)
{
    w->from = w->to = w->appeared = w->many = 0;
    w->way_of_sister = 0;
    if (!w->c.decoding) list_entering(w);
    else memset(w->ends, 0, sizeof *w->ends * (size_t)w->n);
    particles(w);
    for (int64_t label = 1; w->appeared < w->v && !w->c.wrong; label++)
        if (w->c.decoding || !w->seen[label]) appear(w, label, w->n);
    if (w->c.wrong) return;
    labels(w, spare, spare + w->v, spare + 2 * w->v);
    if (w->c.wrong || !w->c.decoding) return;
    for (int64_t i = 0; i < w->n; i++) {
        if (w->made[i]) w->made[i] = w->sequence[w->made[i] - 1];
        if (w->ends[i]) w->ends[i] = w->sequence[w->ends[i] - 1];
    }
}

static int64_t end_walk(Walk *w, int64_t *memory)
{
    free(memory);
    free(w->pids.value), free(w->pids.place);
    free(w->statuses.value), free(w->statuses.place);
    return end_coder(&w->c);
}

/* Graphs, statuses and pids of some events to a stream and back. `made`, `ends`: number of the vertex where each
   particle begins and ends, from 1, 0 for none; `sequence`: gets the numbers of vertices in the order
   in which they appear; `extra`: other small
   numbers of particles, (extras, particles), each event's together: at (extras · first particle); the last
   `tags` of them may be any number, or none: the least int64. Bytes of the stream;
   -1: it is too short, or wrong; -2: there is no memory; -3: there are numbers that cannot be coded. */
EXPORT int64_t hepae_event_graph(int64_t decoding, int64_t events,
                                 const int64_t *n_particles, const int64_t *n_vertices,
                                 int64_t extras, int64_t tags, const uint8_t *plain,
                                 int64_t *made, int64_t *ends, int64_t *sequence,
                                 int64_t *status, int64_t *pid, int64_t *extra, uint8_t *stream, int64_t size)
{
    int64_t n = 0, v = 0;
    for (int64_t k = 0; k < events; k++) {
        if (n_particles[k] > n) n = n_particles[k];
        if (n_vertices[k] > v) v = n_vertices[k];
    }
    if (tags < 0 || tags > MOST_TAGS || tags > extras || extras - tags > MOST_CODES) return decoding ? -1 : -3;
    Walk w = {.extras = (int)extras, .tags = (int)tags};
    int64_t words = 2 * n + 11 * (v + 2) + MOST_REMEMBERED;
    int64_t *memory = malloc(sizeof *memory * (size_t)words), *at = memory;
    int failed = start_coder(&w.c, (int)decoding, stream, size) || !memory;
    if (new_names(&w.pids) || new_names(&w.statuses) || failed) { end_walk(&w, memory); return -2; }
    w.next = at, at += n;
    w.open = at, at += n;
    w.first = at, at += v + 2;
    w.seen = at, at += v + 2;
    w.mother = at, at += v + 2;
    w.entered = at, at += v + 2;
    w.partner = at, at += v + 2;
    w.remembered = at, at += MOST_REMEMBERED;
    w.way = at, at += v + 2;
    for (int64_t k = 0; k < events && !w.c.wrong; k++) {
        w.n = n_particles[k], w.v = n_vertices[k];
        w.made = made, w.ends = ends, w.sequence = sequence;
        w.status = status, w.pid = pid, w.extra = extra, w.plain = plain;
        event(&w, at);
        if (decoding && !w.c.wrong)
            for (int64_t i = 0; i < w.n; i++) {
                status[i] = w.statuses.value[status[i]];
                pid[i] = w.pids.value[pid[i]];
            }
        made += w.n, ends += w.n, status += w.n, pid += w.n, extra += extras * w.n, sequence += w.v, plain += w.v;
    }
    return end_walk(&w, memory);
}
