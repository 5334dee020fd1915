/* pickle_machine.c - implements pickle_machine.h. */
#include "files/pickle_machine.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "the torch file"

/* ---- Memory and errors ------------------------------------------------------------------- */

bool sedd_machine_init(struct sedd_machine *m, const uint8_t *bytes, size_t size,
                       struct sedd_error *error)
{
    *m = (struct sedd_machine){.bytes = bytes, .size = size, .error = error};
    m->values.size = sizeof(struct sedd_value);
    m->items.size = sizeof(struct sedd_item);
    m->stack.size = m->memo.size = sizeof(uint32_t);
    m->marks.size = sizeof(size_t);
    return sedd_machine_reach(m, &m->items, 0) != NULL; /* reserves item 0 */
}

void sedd_machine_clear(struct sedd_machine *m)
{
    free(m->stack.data);
    free(m->marks.data);
    free(m->memo.data);
}

bool sedd_machine_fail(struct sedd_machine *m, const char *what)
{
    sedd_fail(m->error, SEDD_ERROR_FORMAT,
              FILE_NAME "'s data.pkl %s (byte %zu): it is damaged or hostile", what, m->opcode_at);
    return false;
}

bool sedd_machine_refuse(struct sedd_machine *m, const char *what, int length, const char *name)
{
    sedd_fail(m->error, SEDD_ERROR_UNSUPPORTED,
              FILE_NAME "'s data.pkl %s%.*s (byte %zu); only a state dict of tensors is read, and "
                        "nothing in it is run: save model.state_dict() with torch.save",
              what, length, name, m->opcode_at);
    return false;
}

void *sedd_machine_reach(struct sedd_machine *m, struct sedd_array *array, size_t index)
{
    if (index >= SEDD_MACHINE_MAX) {
        sedd_machine_fail(m, "holds more values than any model has");
        return NULL;
    }
    if (index >= array->capacity) {
        size_t capacity = 2 * (index < 32 ? 32 : index);
        char *larger = realloc(array->data, capacity * array->size);
        if (larger == NULL) {
            sedd_fail(m->error, SEDD_ERROR_MEMORY, "no memory to read the index of " FILE_NAME);
            return NULL;
        }
        memset(larger + array->capacity * array->size, 0,
               (capacity - array->capacity) * array->size);
        array->data = larger;
        array->capacity = capacity;
    }
    array->count = index >= array->count ? index + 1 : array->count;
    return (char *)array->data + index * array->size;
}

static struct sedd_item *item_at(struct sedd_machine *m, uint32_t index)
{
    return (struct sedd_item *)m->items.data + index;
}

/* ---- The stack --------------------------------------------------------------------------- */

bool sedd_machine_push(struct sedd_machine *m, uint32_t value)
{
    uint32_t *top = sedd_machine_reach(m, &m->stack, m->stack.count);
    if (top != NULL) {
        *top = value;
    }
    return top != NULL;
}

bool sedd_machine_push_value(struct sedd_machine *m, struct sedd_value value)
{
    size_t index = m->values.count;
    struct sedd_value *place = sedd_machine_reach(m, &m->values, index);
    if (place == NULL) {
        return false;
    }
    *place = value;
    return sedd_machine_push(m, (uint32_t)index);
}

static size_t mark_floor(const struct sedd_machine *m)
{
    return m->marks.count == 0 ? 0 : ((size_t *)m->marks.data)[m->marks.count - 1];
}

bool sedd_machine_top(struct sedd_machine *m, uint32_t *value)
{
    if (m->stack.count <= mark_floor(m)) {
        return sedd_machine_fail(m, "pops more values than the stack has");
    }
    *value = ((uint32_t *)m->stack.data)[m->stack.count - 1];
    return true;
}

bool sedd_machine_pop(struct sedd_machine *m, uint32_t *value)
{
    if (!sedd_machine_top(m, value)) {
        return false;
    }
    m->stack.count--;
    return true;
}

bool sedd_machine_mark(struct sedd_machine *m)
{
    size_t *place = sedd_machine_reach(m, &m->marks, m->marks.count);
    if (place != NULL) {
        *place = m->stack.count;
    }
    return place != NULL;
}

bool sedd_machine_pop_mark(struct sedd_machine *m, size_t *floor)
{
    if (m->marks.count == 0) {
        return sedd_machine_fail(m, "pops a mark that is not set");
    }
    *floor = mark_floor(m);
    m->marks.count--;
    return true;
}

/* ---- Lists and dicts --------------------------------------------------------------------- */

static bool append(struct sedd_machine *m, uint32_t list, uint32_t key, uint32_t value)
{
    uint32_t index = (uint32_t)m->items.count;
    struct sedd_item *item = sedd_machine_reach(m, &m->items, index);
    if (item == NULL) {
        return false;
    }
    *item = (struct sedd_item){key, value, 0};
    struct sedd_value *owner = sedd_machine_value(m, list);
    if (owner->b != 0) {
        item_at(m, owner->b)->next = index;
    } else {
        owner->a = index;
    }
    owner->b = index;
    owner->c++;
    return true;
}

bool sedd_machine_fill(struct sedd_machine *m, size_t floor, enum sedd_value_kind kind)
{
    const uint32_t *stack = m->stack.data;
    size_t step = kind == SEDD_VALUE_DICT ? 2 : 1, end = m->stack.count;
    if (floor == 0 || floor - 1 < mark_floor(m) ||
        sedd_machine_value(m, stack[floor - 1])->kind != kind || (end - floor) % step != 0) {
        return sedd_machine_fail(m, "appends to a value that is not a list or dict");
    }
    for (size_t i = floor; i < end; i += step) {
        if (!append(m, stack[floor - 1], step == 2 ? stack[i] : 0, stack[i + step - 1])) {
            return false;
        }
    }
    m->stack.count = floor;
    return true;
}

bool sedd_machine_make_tuple(struct sedd_machine *m, size_t floor)
{
    size_t index = m->values.count;
    if (floor > m->stack.count || floor < mark_floor(m)) {
        return sedd_machine_fail(m, "pops more values than the stack has");
    }
    struct sedd_value *tuple = sedd_machine_reach(m, &m->values, index);
    if (tuple == NULL) {
        return false;
    }
    *tuple = (struct sedd_value){.kind = SEDD_VALUE_LIST};
    for (size_t i = floor; i < m->stack.count; i++) {
        if (!append(m, (uint32_t)index, 0, ((uint32_t *)m->stack.data)[i])) {
            return false;
        }
    }
    m->stack.count = floor;
    return sedd_machine_push(m, (uint32_t)index);
}

const struct sedd_value *sedd_machine_list_item(struct sedd_machine *m, uint32_t list,
                                                uint32_t index, uint32_t *number)
{
    const struct sedd_value *value = sedd_machine_value(m, list);
    if (value->kind != SEDD_VALUE_LIST || index >= value->c) {
        return NULL;
    }
    uint32_t item = value->a;
    for (; index > 0; index--) {
        item = item_at(m, item)->next;
    }
    *number = item_at(m, item)->value;
    return sedd_machine_value(m, *number);
}
