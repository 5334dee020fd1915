/*
 * bpe.c - implements bpe.h. Tokens and merges are in two open-addressing hash tables. A piece is a
 * linked list of tokens. A heap gives the next merge: the one of lowest rank, and the leftmost of
 * several.
 */
#include "text/bpe.h"

#include <string.h>

struct token {
    size_t offset, size; /* in bytes[]; size 0: no such id */
    bool added;          /* not one of the model's tokens */
};

struct merge {
    uint64_t pair; /* left << 32 | right */
    int32_t rank, result;
};

struct sedd_bpe {
    struct token *tokens; /* [limit] by id */
    int32_t limit;
    char *bytes;
    size_t byte_count;
    int32_t *ids; /* [id_slots] hash of bytes -> id + 1 */
    size_t id_slots;
    struct merge *merges; /* [merge_slots], result + 1 == 0: empty */
    size_t merge_slots;
    int32_t merge_count;
};

struct candidate {
    int32_t rank;
    uint32_t place; /* node of the left half */
    uint64_t pair;  /* the two tokens when the merge was found */
};

struct sedd_bpe_work {
    int32_t *id;             /* [size] by node; a node is the offset of its first byte */
    uint32_t *next, *before; /* [size] */
    struct candidate *heap;  /* [2 * size] */
    size_t count;
};

#define NONE UINT32_MAX

/* ---- Tables ------------------------------------------------------------------------------ */

static size_t slots_for(size_t count)
{
    size_t slots = 16;
    while (slots < 2 * count) {
        slots *= 2;
    }
    return slots;
}

static uint64_t hash_bytes(const char *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)bytes[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static uint64_t hash_pair(uint64_t pair)
{
    pair *= 0x9E3779B97F4A7C15u;
    return pair ^ pair >> 32;
}

enum sedd_status sedd_bpe_new(size_t token_count, size_t byte_count, size_t merge_count,
                              int32_t largest_id, struct sedd_bpe **out, struct sedd_error *error)
{
    struct sedd_bpe *bpe = sedd_memory_new(1, sizeof *bpe);
    bool complete = bpe != NULL;
    if (complete) {
        bpe->limit = largest_id + 1;
        bpe->id_slots = slots_for(token_count);
        bpe->merge_slots = slots_for(merge_count);
        bpe->tokens = sedd_memory_new((uint64_t)bpe->limit, sizeof *bpe->tokens);
        bpe->bytes = sedd_memory_new(byte_count, 1);
        bpe->ids = sedd_memory_new(bpe->id_slots, sizeof *bpe->ids);
        bpe->merges = sedd_memory_new(bpe->merge_slots, sizeof *bpe->merges);
        complete = bpe->tokens && bpe->bytes && bpe->ids && bpe->merges;
    }
    if (!complete) {
        sedd_bpe_free(bpe);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a vocabulary of %zu tokens",
                         token_count);
    }
    *out = bpe;
    return SEDD_OK;
}

void sedd_bpe_free(struct sedd_bpe *bpe)
{
    if (bpe != NULL) {
        sedd_memory_free(bpe->tokens);
        sedd_memory_free(bpe->bytes);
        sedd_memory_free(bpe->ids);
        sedd_memory_free(bpe->merges);
        sedd_memory_free(bpe);
    }
}

/* Returns the slot that holds these bytes, or the empty slot where they belong. */
static size_t id_slot(const struct sedd_bpe *bpe, const char *bytes, size_t size)
{
    size_t slot = (size_t)hash_bytes(bytes, size) & (bpe->id_slots - 1);
    while (bpe->ids[slot] != 0) {
        const struct token *token = &bpe->tokens[bpe->ids[slot] - 1];
        if (token->size == size && memcmp(bpe->bytes + token->offset, bytes, size) == 0) {
            break;
        }
        slot = (slot + 1) & (bpe->id_slots - 1);
    }
    return slot;
}

static size_t merge_slot(const struct sedd_bpe *bpe, uint64_t pair)
{
    size_t slot = (size_t)hash_pair(pair) & (bpe->merge_slots - 1);
    while (bpe->merges[slot].result != 0 && bpe->merges[slot].pair != pair) {
        slot = (slot + 1) & (bpe->merge_slots - 1);
    }
    return slot;
}

bool sedd_bpe_add_token(struct sedd_bpe *bpe, int32_t id, const char *bytes, size_t size,
                        bool added)
{
    size_t slot = id_slot(bpe, bytes, size);
    if (size == 0 || bpe->ids[slot] != 0 || bpe->tokens[id].size != 0) {
        return false;
    }
    memcpy(bpe->bytes + bpe->byte_count, bytes, size);
    bpe->tokens[id] = (struct token){bpe->byte_count, size, added};
    bpe->byte_count += size;
    bpe->ids[slot] = id + 1;
    return true;
}

bool sedd_bpe_add_merge(struct sedd_bpe *bpe, const char *left, size_t left_size, const char *right,
                        size_t right_size)
{
    char joined[1024];
    int32_t left_id = sedd_bpe_find(bpe, left, left_size);
    int32_t right_id = sedd_bpe_find(bpe, right, right_size);
    if (left_id < 0 || right_id < 0 || left_size + right_size > sizeof joined) {
        return false;
    }
    memcpy(joined, left, left_size);
    memcpy(joined + left_size, right, right_size);
    int32_t result = sedd_bpe_find(bpe, joined, left_size + right_size);
    uint64_t pair = (uint64_t)(uint32_t)left_id << 32 | (uint32_t)right_id;
    size_t slot = merge_slot(bpe, pair);
    if (result < 0) {
        return false;
    }
    bpe->merges[slot] = (struct merge){pair, bpe->merge_count++, result + 1};
    return true;
}

int32_t sedd_bpe_find(const struct sedd_bpe *bpe, const char *bytes, size_t size)
{
    return bpe->ids[id_slot(bpe, bytes, size)] - 1;
}

int32_t sedd_bpe_find_piece(const struct sedd_bpe *bpe, const char *bytes, size_t size)
{
    int32_t id = sedd_bpe_find(bpe, bytes, size);
    return id >= 0 && bpe->tokens[id].added ? -1 : id;
}

const char *sedd_bpe_bytes(const struct sedd_bpe *bpe, int32_t id, size_t *size)
{
    if (id < 0 || id >= bpe->limit || bpe->tokens[id].size == 0) {
        return NULL;
    }
    *size = bpe->tokens[id].size;
    return bpe->bytes + bpe->tokens[id].offset;
}

int32_t sedd_bpe_size(const struct sedd_bpe *bpe)
{
    return bpe->limit;
}

/* ---- Encoding ---------------------------------------------------------------------------- */

enum sedd_status sedd_bpe_work_new(size_t size, struct sedd_bpe_work **out,
                                   struct sedd_error *error)
{
    struct sedd_bpe_work *work = sedd_memory_new(1, sizeof *work);
    bool complete = work != NULL && size < NONE / 2;
    if (complete) {
        work->id = sedd_memory_new(size, sizeof *work->id);
        work->next = sedd_memory_new(size, sizeof *work->next);
        work->before = sedd_memory_new(size, sizeof *work->before);
        work->heap = sedd_memory_new(2 * (uint64_t)size, sizeof *work->heap);
        complete = work->id && work->next && work->before && work->heap;
    }
    if (!complete) {
        sedd_bpe_work_free(work);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to tokenize a word of %zu bytes",
                         size);
    }
    *out = work;
    return SEDD_OK;
}

void sedd_bpe_work_free(struct sedd_bpe_work *work)
{
    if (work != NULL) {
        sedd_memory_free(work->id);
        sedd_memory_free(work->next);
        sedd_memory_free(work->before);
        sedd_memory_free(work->heap);
        sedd_memory_free(work);
    }
}

static bool precedes(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->place < b->place;
}

static void heap_push(struct sedd_bpe_work *work, struct candidate item)
{
    size_t i = work->count++;
    while (i > 0 && precedes(&item, &work->heap[(i - 1) / 2])) {
        work->heap[i] = work->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    work->heap[i] = item;
}

static struct candidate heap_pop(struct sedd_bpe_work *work)
{
    struct candidate top = work->heap[0], last = work->heap[--work->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= work->count) {
            break;
        }
        child += child + 1 < work->count && precedes(&work->heap[child + 1], &work->heap[child]);
        if (!precedes(&work->heap[child], &last)) {
            break;
        }
        work->heap[i] = work->heap[child];
        i = child;
    }
    work->heap[i] = last;
    return top;
}

static uint64_t pair_at(const struct sedd_bpe_work *work, uint32_t left)
{
    return (uint64_t)(uint32_t)work->id[left] << 32 | (uint32_t)work->id[work->next[left]];
}

/* Adds the merge of `left` and its right neighbour, if there is one, to the heap. */
static void consider(const struct sedd_bpe *bpe, struct sedd_bpe_work *work, uint32_t left)
{
    if (left == NONE || work->next[left] == NONE) {
        return;
    }
    uint64_t pair = pair_at(work, left);
    const struct merge *merge = &bpe->merges[merge_slot(bpe, pair)];
    if (merge->result != 0) {
        heap_push(work, (struct candidate){merge->rank, left, pair});
    }
}

static void join(const struct sedd_bpe *bpe, struct sedd_bpe_work *work, struct candidate item)
{
    uint32_t left = item.place, right = work->next[left], after = work->next[right];
    work->id[left] = bpe->merges[merge_slot(bpe, item.pair)].result - 1;
    work->id[right] = -1;
    work->next[right] = NONE;
    work->next[left] = after;
    if (after != NONE) {
        work->before[after] = left;
    }
    consider(bpe, work, work->before[left]);
    consider(bpe, work, left);
}

size_t sedd_bpe_encode(const struct sedd_bpe *bpe, struct sedd_bpe_work *work, const char *piece,
                       size_t size, int32_t *ids)
{
    for (size_t i = 0; i < size; i++) {
        work->id[i] = sedd_bpe_find(bpe, piece + i, 1);
        work->next[i] = i + 1 < size ? (uint32_t)(i + 1) : NONE;
        work->before[i] = i > 0 ? (uint32_t)(i - 1) : NONE;
    }
    work->count = 0;
    for (size_t i = 0; i + 1 < size; i++) {
        consider(bpe, work, (uint32_t)i);
    }
    while (work->count > 0) {
        struct candidate item = heap_pop(work);
        if (work->id[item.place] >= 0 && work->next[item.place] != NONE &&
            pair_at(work, item.place) == item.pair) {
            join(bpe, work, item);
        }
    }
    size_t count = 0;
    for (uint32_t node = 0; node != NONE && size > 0; node = work->next[node]) {
        ids[count++] = work->id[node];
    }
    return count;
}
