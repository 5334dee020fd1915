/*
 * pickle.c - see pickle.h. Protocol 2 as torch writes it (Python's pickletools documents the opcodes).
 */
#include "files/pickle.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "the torch file"
#define COUNT_MAX (1u << 19) /* values, items, stack and memo entries each: 200 times sedd-medium's */

/* ---- Growing arrays ---------------------------------------------------------------------- */

struct array {
    void *data;
    size_t count, capacity, size; /* size: bytes of one element */
};

struct machine {
    const uint8_t *bytes;
    size_t size, at;
    size_t opcode_at; /* for messages */
    struct array values, items, stack, marks, memo;
    struct sedd_error *error;
};

static bool fail(struct machine *m, const char *what)
{
    sedd_fail(m->error, SEDD_ERROR_FORMAT,
              FILE_NAME "'s data.pkl %s (byte %zu): it is damaged or hostile", what, m->opcode_at);
    return false;
}

static bool refuse(struct machine *m, const char *what, int length, const char *name)
{
    sedd_fail(m->error, SEDD_ERROR_UNSUPPORTED,
              FILE_NAME "'s data.pkl %s%.*s (byte %zu); only a state dict of tensors is read, and "
                        "nothing in it is run: save model.state_dict() with torch.save",
              what, length, name, m->opcode_at);
    return false;
}

/* Room for element `index`, new ones zeroed; NULL past COUNT_MAX or without memory. */
static void *reach(struct machine *m, struct array *array, size_t index)
{
    if (index >= COUNT_MAX) {
        fail(m, "holds more values than any model has");
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

static struct sedd_value *value_at(struct machine *m, uint32_t index)
{
    return (struct sedd_value *)m->values.data + index;
}

static struct sedd_item *item_at(struct machine *m, uint32_t index)
{
    return (struct sedd_item *)m->items.data + index;
}

/* ---- The stack --------------------------------------------------------------------------- */

static bool push(struct machine *m, uint32_t value)
{
    uint32_t *top = reach(m, &m->stack, m->stack.count);
    if (top != NULL) {
        *top = value;
    }
    return top != NULL;
}

static bool push_value(struct machine *m, struct sedd_value value)
{
    size_t index = m->values.count;
    struct sedd_value *place = reach(m, &m->values, index);
    if (place == NULL) {
        return false;
    }
    *place = value;
    return push(m, (uint32_t)index);
}

static size_t mark_floor(const struct machine *m)
{
    return m->marks.count == 0 ? 0 : ((size_t *)m->marks.data)[m->marks.count - 1];
}

/* Values above the last mark may be popped, the mark itself not. */
static bool pop(struct machine *m, uint32_t *value)
{
    if (m->stack.count <= mark_floor(m)) {
        return fail(m, "takes more values than it has");
    }
    *value = ((uint32_t *)m->stack.data)[--m->stack.count];
    return true;
}

static bool pop_mark(struct machine *m, size_t *floor)
{
    if (m->marks.count == 0) {
        return fail(m, "takes a mark it has not set");
    }
    *floor = mark_floor(m);
    m->marks.count--;
    return true;
}

/* ---- Lists and dicts --------------------------------------------------------------------- */

static bool append(struct machine *m, uint32_t list, uint32_t key, uint32_t value)
{
    uint32_t index = (uint32_t)m->items.count;
    struct sedd_item *item = reach(m, &m->items, index);
    if (item == NULL) {
        return false;
    }
    *item = (struct sedd_item){key, value, 0};
    struct sedd_value *owner = value_at(m, list);
    if (owner->b != 0) {
        item_at(m, owner->b)->next = index;
    } else {
        owner->a = index;
    }
    owner->b = index;
    owner->c++;
    return true;
}

/* The values from `floor` up go into the list or dict below them. */
static bool append_all(struct machine *m, size_t floor, enum sedd_value_kind kind)
{
    const uint32_t *stack = m->stack.data;
    size_t step = kind == SEDD_VALUE_DICT ? 2 : 1, end = m->stack.count;
    if (floor == 0 || floor - 1 < mark_floor(m) || value_at(m, stack[floor - 1])->kind != kind ||
        (end - floor) % step != 0) {
        return fail(m, "fills something that is no list or dict");
    }
    for (size_t i = floor; i < end; i += step) {
        if (!append(m, stack[floor - 1], step == 2 ? stack[i] : 0, stack[i + step - 1])) {
            return false;
        }
    }
    m->stack.count = floor;
    return true;
}

static bool make_tuple(struct machine *m, size_t floor)
{
    size_t index = m->values.count;
    struct sedd_value *tuple = reach(m, &m->values, index);
    if (floor > m->stack.count || floor < mark_floor(m)) {
        return fail(m, "takes more values than it has");
    }
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
    return push(m, (uint32_t)index);
}

static bool tuple_of(struct machine *m, size_t count)
{
    return m->stack.count < count ? fail(m, "takes more values than it has")
                                  : make_tuple(m, m->stack.count - count);
}

/* The index-th item of a list, or NULL. */
static const struct sedd_value *list_item(struct machine *m, uint32_t list, uint32_t index,
                                          uint32_t *number)
{
    const struct sedd_value *value = value_at(m, list);
    if (value->kind != SEDD_VALUE_LIST || index >= value->c) {
        return NULL;
    }
    uint32_t item = value->a;
    for (; index > 0; index--) {
        item = item_at(m, item)->next;
    }
    *number = item_at(m, item)->value;
    return value_at(m, *number);
}

/* ---- Classes ----------------------------------------------------------------------------- */

enum class_kind { CLASS_REBUILD = 0, CLASS_PARAMETER, CLASS_DICT, CLASS_SIZE, CLASS_STORAGE };

static const struct {
    const char *name; /* module and name as GLOBAL has them */
    enum class_kind kind;
    enum sedd_element element;
} CLASSES[] = {
    {"torch._utils\n_rebuild_tensor_v2\n", CLASS_REBUILD, 0},
    {"torch._utils\n_rebuild_parameter\n", CLASS_PARAMETER, 0},
    {"collections\nOrderedDict\n", CLASS_DICT, 0},
    {"torch\nSize\n", CLASS_SIZE, 0},
    {"torch\nFloatStorage\n", CLASS_STORAGE, SEDD_ELEMENT_F32},
    {"torch\nHalfStorage\n", CLASS_STORAGE, SEDD_ELEMENT_F16},
    {"torch\nBFloat16Storage\n", CLASS_STORAGE, SEDD_ELEMENT_BF16},
    {"torch\nCharStorage\n", CLASS_STORAGE, SEDD_ELEMENT_I8},
    {"torch\nDoubleStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
    {"torch\nLongStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
    {"torch\nIntStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
    {"torch\nShortStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
    {"torch\nByteStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
    {"torch\nBoolStorage\n", CLASS_STORAGE, SEDD_ELEMENT_OTHER},
};

#define CLASS_COUNT (sizeof CLASSES / sizeof CLASSES[0])

/* Two lines: the module and the name. */
static bool read_global(struct machine *m)
{
    const uint8_t *start = m->bytes + m->at, *end = m->bytes + m->size;
    const uint8_t *dot = memchr(start, '\n', (size_t)(end - start));
    const uint8_t *stop = dot == NULL ? NULL : memchr(dot + 1, '\n', (size_t)(end - dot - 1));
    if (stop == NULL) {
        return fail(m, "ends within a name");
    }
    size_t length = (size_t)(stop + 1 - start);
    m->at += length;
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (strlen(CLASSES[i].name) == length && memcmp(CLASSES[i].name, start, length) == 0) {
            return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_CLASS, .a = i});
        }
    }
    char name[81];
    size_t shown = 0;
    for (; shown < sizeof name - 1 && shown + 1 < length; shown++) {
        uint8_t c = start[shown];
        name[shown] = start + shown == dot ? '.' : c >= 32 && c < 127 ? (char)c : '?';
    }
    return refuse(m, "asks for ", (int)shown, name);
}

static bool is_class(struct machine *m, uint32_t index, enum class_kind kind)
{
    const struct sedd_value *value = value_at(m, index);
    return value->kind == SEDD_VALUE_CLASS && CLASSES[value->a].kind == kind;
}

/* ("storage", class, key, device, elements) -> STORAGE */
static bool read_storage(struct machine *m)
{
    uint32_t id, number = 0, key = 0, class = 0;
    if (!pop(m, &id)) {
        return false;
    }
    const struct sedd_value *word = list_item(m, id, 0, &number);
    if (word == NULL || word->kind != SEDD_VALUE_TEXT || word->b != 7 ||
        memcmp(m->bytes + word->a, "storage", 7) != 0 || list_item(m, id, 1, &class) == NULL ||
        !is_class(m, class, CLASS_STORAGE)) {
        return fail(m, "names a storage in an unknown way");
    }
    const struct sedd_value *text = list_item(m, id, 2, &key), *count = list_item(m, id, 4, &number);
    if (text == NULL || text->kind != SEDD_VALUE_TEXT || count == NULL ||
        count->kind != SEDD_VALUE_INTEGER || count->integer < 0) {
        return fail(m, "names a storage in an unknown way");
    }
    return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_STORAGE,
                                             .a = key,
                                             .b = CLASSES[value_at(m, class)->a].element,
                                             .integer = count->integer});
}

/* _rebuild_tensor_v2(storage, first element, sizes, strides, requires_grad, hooks) -> TENSOR */
static bool rebuild_tensor(struct machine *m, uint32_t arguments)
{
    uint32_t storage = 0, first = 0, sizes = 0, strides = 0;
    const struct sedd_value *s = list_item(m, arguments, 0, &storage);
    const struct sedd_value *offset = list_item(m, arguments, 1, &first);
    const struct sedd_value *shape = list_item(m, arguments, 2, &sizes);
    const struct sedd_value *steps = list_item(m, arguments, 3, &strides);
    if (s == NULL || s->kind != SEDD_VALUE_STORAGE || offset == NULL || offset->integer < 0 ||
        offset->kind != SEDD_VALUE_INTEGER || shape == NULL || shape->kind != SEDD_VALUE_LIST ||
        steps == NULL || steps->kind != SEDD_VALUE_LIST) {
        return fail(m, "rebuilds a tensor in an unknown way");
    }
    return push_value(m, (struct sedd_value){SEDD_VALUE_TENSOR, storage, sizes, strides,
                                             offset->integer});
}

static bool reduce(struct machine *m)
{
    uint32_t arguments, callable, inner = 0;
    if (!pop(m, &arguments) || !pop(m, &callable)) {
        return false;
    }
    if (value_at(m, callable)->kind != SEDD_VALUE_CLASS ||
        value_at(m, arguments)->kind != SEDD_VALUE_LIST) {
        return fail(m, "calls something that is no class");
    }
    switch (CLASSES[value_at(m, callable)->a].kind) {
    case CLASS_REBUILD: return rebuild_tensor(m, arguments);
    case CLASS_PARAMETER: /* (tensor, requires_grad, hooks) */
        return list_item(m, arguments, 0, &inner) != NULL ? push(m, inner)
                                                          : fail(m, "rebuilds nothing");
    case CLASS_SIZE: /* (sizes) */
        return list_item(m, arguments, 0, &inner) != NULL ? push(m, inner)
                                                          : fail(m, "rebuilds nothing");
    case CLASS_DICT:
        return value_at(m, arguments)->c == 0
                   ? push_value(m, (struct sedd_value){.kind = SEDD_VALUE_DICT})
                   : refuse(m, "fills an OrderedDict while making it", 0, "");
    case CLASS_STORAGE: break;
    }
    return fail(m, "calls a storage");
}

/* ---- Opcodes ----------------------------------------------------------------------------- */

/* `count` bytes, little endian, as an unsigned number. */
static bool read_number(struct machine *m, size_t count, uint64_t *number)
{
    if (m->size - m->at < count) {
        return fail(m, "ends early");
    }
    *number = 0;
    for (size_t i = count; i-- > 0;) {
        *number = *number << 8 | m->bytes[m->at + i];
    }
    m->at += count;
    return true;
}

static bool push_integer(struct machine *m, size_t count)
{
    uint64_t number;
    if (!read_number(m, count, &number)) {
        return false;
    }
    int64_t value = count == 4 ? (int32_t)(uint32_t)number : (int64_t)number;
    return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_INTEGER, .integer = value});
}

/* LONG1: sizes past 2^31. Signed; longer than eight bytes is no size of anything. */
static bool push_long(struct machine *m)
{
    uint64_t size, number;
    if (!read_number(m, 1, &size)) {
        return false;
    }
    if (size > 8) {
        return fail(m, "holds a number that is too large");
    }
    if (!read_number(m, (size_t)size, &number)) {
        return false;
    }
    if (size > 0 && size < 8 && (number >> (8 * size - 1) & 1) != 0) {
        number |= UINT64_MAX << (8 * size);
    }
    return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_INTEGER,
                                             .integer = (int64_t)number});
}

static bool push_text(struct machine *m)
{
    uint64_t size;
    if (!read_number(m, 4, &size)) {
        return false;
    }
    if (size > m->size - m->at) {
        return fail(m, "ends within a text");
    }
    uint32_t place = (uint32_t)m->at;
    m->at += (size_t)size;
    return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_TEXT, .a = place,
                                             .b = (uint32_t)size});
}

static bool skip_value(struct machine *m, size_t bytes)
{
    uint64_t nothing;
    return (bytes == 0 || read_number(m, bytes, &nothing)) &&
           push_value(m, (struct sedd_value){.kind = SEDD_VALUE_OTHER});
}

/* The memo holds value + 1; 0 is an empty place. */
static bool put(struct machine *m, size_t bytes)
{
    uint64_t index;
    if (!read_number(m, bytes, &index)) {
        return false;
    }
    if (m->stack.count <= mark_floor(m)) {
        return fail(m, "remembers a value it does not have");
    }
    uint32_t value = ((uint32_t *)m->stack.data)[m->stack.count - 1];
    if (index >= COUNT_MAX) {
        return fail(m, "asks for a memo larger than any model needs");
    }
    uint32_t *place = reach(m, &m->memo, (size_t)index);
    if (place != NULL) {
        *place = value + 1;
    }
    return place != NULL;
}

static bool get(struct machine *m, size_t bytes)
{
    uint64_t index;
    if (!read_number(m, bytes, &index)) {
        return false;
    }
    const uint32_t *memo = m->memo.data;
    return index < m->memo.count && memo[index] != 0
               ? push(m, memo[index] - 1)
               : fail(m, "recalls a value it has not remembered");
}

static bool mark(struct machine *m)
{
    size_t *place = reach(m, &m->marks, m->marks.count);
    if (place != NULL) {
        *place = m->stack.count;
    }
    return place != NULL;
}

static bool fill_marked(struct machine *m, enum sedd_value_kind kind)
{
    size_t floor;
    return pop_mark(m, &floor) && append_all(m, floor, kind);
}

static bool fill_one(struct machine *m, enum sedd_value_kind kind)
{
    size_t needed = kind == SEDD_VALUE_DICT ? 2 : 1;
    return m->stack.count < needed ? fail(m, "takes more values than it has")
                                   : append_all(m, m->stack.count - needed, kind);
}

/* Attributes of an OrderedDict: torch puts the version numbers of modules there. Not needed. */
static bool build(struct machine *m)
{
    uint32_t state;
    if (!pop(m, &state) || m->stack.count <= mark_floor(m)) {
        return fail(m, "takes more values than it has");
    }
    uint32_t owner = ((uint32_t *)m->stack.data)[m->stack.count - 1];
    return value_at(m, owner)->kind == SEDD_VALUE_DICT
               ? true
               : refuse(m, "sets the state of an object", 0, "");
}

static bool read_protocol(struct machine *m)
{
    uint64_t version;
    if (!read_number(m, 1, &version)) {
        return false;
    }
    return version == 2 ? true : refuse(m, "has another protocol than 2, torch's own", 0, "");
}

static bool step(struct machine *m, uint8_t opcode)
{
    size_t floor;
    switch (opcode) {
    case 0x80: return read_protocol(m);
    case '(': return mark(m);
    case 'N':
    case 0x88:
    case 0x89: return skip_value(m, 0);           /* NONE, NEWTRUE, NEWFALSE */
    case 'G': return skip_value(m, 8);            /* BINFLOAT */
    case 'J': return push_integer(m, 4);          /* BININT */
    case 'K': return push_integer(m, 1);          /* BININT1 */
    case 'M': return push_integer(m, 2);          /* BININT2 */
    case 0x8a: return push_long(m);               /* LONG1 */
    case 'X': return push_text(m);                /* BINUNICODE */
    case '}': return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_DICT});
    case ']':
    case ')': return push_value(m, (struct sedd_value){.kind = SEDD_VALUE_LIST});
    case 't': return pop_mark(m, &floor) && make_tuple(m, floor);
    case 0x85: return tuple_of(m, 1);
    case 0x86: return tuple_of(m, 2);
    case 0x87: return tuple_of(m, 3);
    case 'q': return put(m, 1);                   /* BINPUT */
    case 'r': return put(m, 4);                   /* LONG_BINPUT */
    case 'h': return get(m, 1);                   /* BINGET */
    case 'j': return get(m, 4);                   /* LONG_BINGET */
    case 'c': return read_global(m);
    case 'Q': return read_storage(m);             /* BINPERSID */
    case 'R': return reduce(m);
    case 'b': return build(m);
    case 's': return fill_one(m, SEDD_VALUE_DICT);    /* SETITEM */
    case 'u': return fill_marked(m, SEDD_VALUE_DICT); /* SETITEMS */
    case 'a': return fill_one(m, SEDD_VALUE_LIST);    /* APPEND */
    case 'e': return fill_marked(m, SEDD_VALUE_LIST); /* APPENDS */
    default: break;
    }
    char name[8] = {'0', 'x', "0123456789abcdef"[opcode >> 4], "0123456789abcdef"[opcode & 15]};
    return refuse(m, "uses the opcode ", 4, name);
}

static bool run(struct machine *m, uint32_t *root)
{
    while (m->at < m->size) {
        m->opcode_at = m->at;
        uint8_t opcode = m->bytes[m->at++];
        if (opcode == '.') { /* STOP */
            return pop(m, root) && (m->stack.count == 0 || fail(m, "leaves values behind"));
        }
        if (!step(m, opcode)) {
            return false;
        }
    }
    return fail(m, "ends without its last opcode");
}

enum sedd_status sedd_pickle_read(const uint8_t *bytes, size_t size, struct sedd_pickle *pickle,
                                  struct sedd_error *error)
{
    struct sedd_error own = {.status = SEDD_ERROR_FORMAT};
    struct machine m = {.bytes = bytes, .size = size, .error = error != NULL ? error : &own};
    m.values.size = sizeof(struct sedd_value);
    m.items.size = sizeof(struct sedd_item);
    m.stack.size = m.memo.size = sizeof(uint32_t);
    m.marks.size = sizeof(size_t);
    uint32_t root = 0;
    bool done = reach(&m, &m.items, 0) != NULL && run(&m, &root);
    free(m.stack.data);
    free(m.marks.data);
    free(m.memo.data);
    struct sedd_pickle found = {bytes, m.values.data, m.items.data, root};
    if (!done) {
        sedd_pickle_clear(&found);
        return m.error->status;
    }
    *pickle = found;
    return SEDD_OK;
}

void sedd_pickle_clear(struct sedd_pickle *pickle)
{
    free(pickle->values);
    free(pickle->items);
    *pickle = (struct sedd_pickle){0};
}

bool sedd_pickle_find(const struct sedd_pickle *pickle, uint32_t dict, const char *key,
                      uint32_t *value)
{
    const struct sedd_value *owner = &pickle->values[dict];
    uint32_t item = owner->kind == SEDD_VALUE_DICT ? owner->a : 0;
    for (; item != 0; item = pickle->items[item].next) {
        const struct sedd_value *name = &pickle->values[pickle->items[item].key];
        if (name->kind == SEDD_VALUE_TEXT && name->b == strlen(key) &&
            memcmp(pickle->bytes + name->a, key, name->b) == 0) {
            *value = pickle->items[item].value;
            return true;
        }
    }
    return false;
}
