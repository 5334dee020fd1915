/*
 * pickle.c - implements pickle.h: the opcodes of protocol 2 that torch writes, which Python's
 * pickletools documents, and the short list of classes that it uses. pickle_machine.h executes
 * them.
 */
#include "files/pickle_machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- Classes ----------------------------------------------------------------------------- */

enum class_kind { CLASS_REBUILD = 0, CLASS_PARAMETER, CLASS_DICT, CLASS_SIZE, CLASS_STORAGE };

static const struct {
    const char *name; /* module and name, as in the opcode GLOBAL */
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

/* Reads the two lines of GLOBAL, module and name, and pushes the class. */
static bool read_global(struct sedd_machine *m)
{
    const uint8_t *start = m->bytes + m->at, *end = m->bytes + m->size;
    const uint8_t *dot = memchr(start, '\n', (size_t)(end - start));
    const uint8_t *stop = dot == NULL ? NULL : memchr(dot + 1, '\n', (size_t)(end - dot - 1));
    if (stop == NULL) {
        return sedd_machine_fail(m, "ends within a name");
    }
    size_t length = (size_t)(stop + 1 - start);
    m->at += length;
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (strlen(CLASSES[i].name) == length && memcmp(CLASSES[i].name, start, length) == 0) {
            return sedd_machine_push_value(m,
                                           (struct sedd_value){.kind = SEDD_VALUE_CLASS, .a = i});
        }
    }
    char name[81];
    size_t shown = 0;
    for (; shown < sizeof name - 1 && shown + 1 < length; shown++) {
        uint8_t c = start[shown];
        name[shown] = start + shown == dot ? '.' : c >= 32 && c < 127 ? (char)c : '?';
    }
    return sedd_machine_refuse(m, "asks for ", (int)shown, name);
}

static bool is_class(struct sedd_machine *m, uint32_t index, enum class_kind kind)
{
    const struct sedd_value *value = sedd_machine_value(m, index);
    return value->kind == SEDD_VALUE_CLASS && CLASSES[value->a].kind == kind;
}

/* Replaces ("storage", class, key, device, elements) by a STORAGE. */
static bool read_storage(struct sedd_machine *m)
{
    uint32_t id, number = 0, key = 0, class = 0;
    if (!sedd_machine_pop(m, &id)) {
        return false;
    }
    const struct sedd_value *word = sedd_machine_list_item(m, id, 0, &number);
    if (word == NULL || word->kind != SEDD_VALUE_TEXT || word->b != 7 ||
        memcmp(m->bytes + word->a, "storage", 7) != 0 ||
        sedd_machine_list_item(m, id, 1, &class) == NULL || !is_class(m, class, CLASS_STORAGE)) {
        return sedd_machine_fail(m, "refers to a storage in an unknown way");
    }
    const struct sedd_value *text = sedd_machine_list_item(m, id, 2, &key),
                            *count = sedd_machine_list_item(m, id, 4, &number);
    if (text == NULL || text->kind != SEDD_VALUE_TEXT || count == NULL ||
        count->kind != SEDD_VALUE_INTEGER || count->integer < 0) {
        return sedd_machine_fail(m, "refers to a storage in an unknown way");
    }
    return sedd_machine_push_value(
        m, (struct sedd_value){.kind = SEDD_VALUE_STORAGE,
                               .a = key,
                               .b = CLASSES[sedd_machine_value(m, class)->a].element,
                               .integer = count->integer});
}

/* Pushes a TENSOR for the call
 * _rebuild_tensor_v2(storage, first element, sizes, strides, requires_grad, hooks). */
static bool rebuild_tensor(struct sedd_machine *m, uint32_t arguments)
{
    uint32_t storage = 0, first = 0, sizes = 0, strides = 0;
    const struct sedd_value *s = sedd_machine_list_item(m, arguments, 0, &storage);
    const struct sedd_value *offset = sedd_machine_list_item(m, arguments, 1, &first);
    const struct sedd_value *shape = sedd_machine_list_item(m, arguments, 2, &sizes);
    const struct sedd_value *steps = sedd_machine_list_item(m, arguments, 3, &strides);
    if (s == NULL || s->kind != SEDD_VALUE_STORAGE || offset == NULL || offset->integer < 0 ||
        offset->kind != SEDD_VALUE_INTEGER || shape == NULL || shape->kind != SEDD_VALUE_LIST ||
        steps == NULL || steps->kind != SEDD_VALUE_LIST) {
        return sedd_machine_fail(m, "rebuilds a tensor in an unknown way");
    }
    return sedd_machine_push_value(
        m, (struct sedd_value){SEDD_VALUE_TENSOR, storage, sizes, strides, offset->integer});
}

static bool reduce(struct sedd_machine *m)
{
    uint32_t arguments, callable, inner = 0;
    if (!sedd_machine_pop(m, &arguments) || !sedd_machine_pop(m, &callable)) {
        return false;
    }
    if (sedd_machine_value(m, callable)->kind != SEDD_VALUE_CLASS ||
        sedd_machine_value(m, arguments)->kind != SEDD_VALUE_LIST) {
        return sedd_machine_fail(m, "calls a value that is not a class");
    }
    switch (CLASSES[sedd_machine_value(m, callable)->a].kind) {
    case CLASS_REBUILD: return rebuild_tensor(m, arguments);
    case CLASS_PARAMETER: /* arguments: (tensor, requires_grad, hooks) */
        return sedd_machine_list_item(m, arguments, 0, &inner) != NULL
                   ? sedd_machine_push(m, inner)
                   : sedd_machine_fail(m, "rebuilds a value without arguments");
    case CLASS_SIZE: /* arguments: (sizes) */
        return sedd_machine_list_item(m, arguments, 0, &inner) != NULL
                   ? sedd_machine_push(m, inner)
                   : sedd_machine_fail(m, "rebuilds a value without arguments");
    case CLASS_DICT:
        return sedd_machine_value(m, arguments)->c == 0
                   ? sedd_machine_push_value(m, (struct sedd_value){.kind = SEDD_VALUE_DICT})
                   : sedd_machine_refuse(m, "fills an OrderedDict while making it", 0, "");
    case CLASS_STORAGE: break;
    }
    return sedd_machine_fail(m, "calls a storage");
}

/* ---- Opcodes ----------------------------------------------------------------------------- */

/* Reads `count` bytes, little endian, as an unsigned number. */
static bool read_number(struct sedd_machine *m, size_t count, uint64_t *number)
{
    if (m->size - m->at < count) {
        return sedd_machine_fail(m, "ends early");
    }
    *number = 0;
    for (size_t i = count; i-- > 0;) {
        *number = *number << 8 | m->bytes[m->at + i];
    }
    m->at += count;
    return true;
}

static bool push_integer(struct sedd_machine *m, size_t count)
{
    uint64_t number;
    if (!read_number(m, count, &number)) {
        return false;
    }
    int64_t value = count == 4 ? (int32_t)(uint32_t)number : (int64_t)number;
    return sedd_machine_push_value(
        m, (struct sedd_value){.kind = SEDD_VALUE_INTEGER, .integer = value});
}

/* Pushes the signed number of LONG1, which holds sizes above 2^31. Refuses numbers of more than
 * eight bytes. */
static bool push_long(struct sedd_machine *m)
{
    uint64_t size, number;
    if (!read_number(m, 1, &size)) {
        return false;
    }
    if (size > 8) {
        return sedd_machine_fail(m, "holds a number that is too large");
    }
    if (!read_number(m, (size_t)size, &number)) {
        return false;
    }
    if (size > 0 && size < 8 && (number >> (8 * size - 1) & 1) != 0) {
        number |= UINT64_MAX << (8 * size);
    }
    return sedd_machine_push_value(
        m, (struct sedd_value){.kind = SEDD_VALUE_INTEGER, .integer = (int64_t)number});
}

static bool push_text(struct sedd_machine *m)
{
    uint64_t size;
    if (!read_number(m, 4, &size)) {
        return false;
    }
    if (size > m->size - m->at) {
        return sedd_machine_fail(m, "ends within a text");
    }
    uint32_t place = (uint32_t)m->at;
    m->at += (size_t)size;
    return sedd_machine_push_value(
        m, (struct sedd_value){.kind = SEDD_VALUE_TEXT, .a = place, .b = (uint32_t)size});
}

static bool skip_value(struct sedd_machine *m, size_t bytes)
{
    uint64_t nothing;
    return (bytes == 0 || read_number(m, bytes, &nothing)) &&
           sedd_machine_push_value(m, (struct sedd_value){.kind = SEDD_VALUE_OTHER});
}

static bool put(struct sedd_machine *m, size_t bytes)
{
    uint64_t index;
    if (!read_number(m, bytes, &index)) {
        return false;
    }
    uint32_t value;
    if (!sedd_machine_top(m, &value)) {
        return false;
    }
    if (index >= SEDD_MACHINE_MAX) {
        return sedd_machine_fail(m, "asks for a memo larger than any model needs");
    }
    uint32_t *place = sedd_machine_reach(m, &m->memo, (size_t)index);
    if (place != NULL) {
        *place = value + 1;
    }
    return place != NULL;
}

static bool get(struct sedd_machine *m, size_t bytes)
{
    uint64_t index;
    if (!read_number(m, bytes, &index)) {
        return false;
    }
    const uint32_t *memo = m->memo.data;
    return index < m->memo.count && memo[index] != 0
               ? sedd_machine_push(m, memo[index] - 1)
               : sedd_machine_fail(m, "reads an empty memo entry");
}

static bool tuple_of(struct sedd_machine *m, size_t count)
{
    return m->stack.count < count ? sedd_machine_fail(m, "pops more values than the stack has")
                                  : sedd_machine_make_tuple(m, m->stack.count - count);
}

static bool fill_marked(struct sedd_machine *m, enum sedd_value_kind kind)
{
    size_t floor;
    return sedd_machine_pop_mark(m, &floor) && sedd_machine_fill(m, floor, kind);
}

static bool fill_one(struct sedd_machine *m, enum sedd_value_kind kind)
{
    size_t needed = kind == SEDD_VALUE_DICT ? 2 : 1;
    return m->stack.count < needed ? sedd_machine_fail(m, "pops more values than the stack has")
                                   : sedd_machine_fill(m, m->stack.count - needed, kind);
}

/* Ignores the attributes of an OrderedDict, where torch stores the version numbers of modules. */
static bool build(struct sedd_machine *m)
{
    uint32_t state, owner;
    if (!sedd_machine_pop(m, &state) || !sedd_machine_top(m, &owner)) {
        return false;
    }
    return sedd_machine_value(m, owner)->kind == SEDD_VALUE_DICT ||
           sedd_machine_refuse(m, "sets the state of an object", 0, "");
}

static bool read_protocol(struct sedd_machine *m)
{
    uint64_t version;
    if (!read_number(m, 1, &version)) {
        return false;
    }
    return version == 2 ||
           sedd_machine_refuse(m, "uses a protocol other than 2, which torch.save writes", 0, "");
}

static bool step(struct sedd_machine *m, uint8_t opcode)
{
    size_t floor;
    switch (opcode) {
    case 0x80: return read_protocol(m);
    case '(': return sedd_machine_mark(m);
    case 'N':
    case 0x88:
    case 0x89: return skip_value(m, 0);  /* NONE, NEWTRUE, NEWFALSE */
    case 'G': return skip_value(m, 8);   /* BINFLOAT */
    case 'J': return push_integer(m, 4); /* BININT */
    case 'K': return push_integer(m, 1); /* BININT1 */
    case 'M': return push_integer(m, 2); /* BININT2 */
    case 0x8a: return push_long(m);      /* LONG1 */
    case 'X': return push_text(m);       /* BINUNICODE */
    case '}': return sedd_machine_push_value(m, (struct sedd_value){.kind = SEDD_VALUE_DICT});
    case ']':
    case ')': return sedd_machine_push_value(m, (struct sedd_value){.kind = SEDD_VALUE_LIST});
    case 't': return sedd_machine_pop_mark(m, &floor) && sedd_machine_make_tuple(m, floor);
    case 0x85: return tuple_of(m, 1);
    case 0x86: return tuple_of(m, 2);
    case 0x87: return tuple_of(m, 3);
    case 'q': return put(m, 1); /* BINPUT */
    case 'r': return put(m, 4); /* LONG_BINPUT */
    case 'h': return get(m, 1); /* BINGET */
    case 'j': return get(m, 4); /* LONG_BINGET */
    case 'c': return read_global(m);
    case 'Q': return read_storage(m); /* BINPERSID */
    case 'R': return reduce(m);
    case 'b': return build(m);
    case 's': return fill_one(m, SEDD_VALUE_DICT);    /* SETITEM */
    case 'u': return fill_marked(m, SEDD_VALUE_DICT); /* SETITEMS */
    case 'a': return fill_one(m, SEDD_VALUE_LIST);    /* APPEND */
    case 'e': return fill_marked(m, SEDD_VALUE_LIST); /* APPENDS */
    default: break;
    }
    char name[8] = {'0', 'x', "0123456789abcdef"[opcode >> 4], "0123456789abcdef"[opcode & 15]};
    return sedd_machine_refuse(m, "uses the opcode ", 4, name);
}

static bool run(struct sedd_machine *m, uint32_t *root)
{
    while (m->at < m->size) {
        m->opcode_at = m->at;
        uint8_t opcode = m->bytes[m->at++];
        if (opcode == '.') { /* STOP */
            return sedd_machine_pop(m, root) &&
                   (m->stack.count == 0 || sedd_machine_fail(m, "leaves values on the stack"));
        }
        if (!step(m, opcode)) {
            return false;
        }
    }
    return sedd_machine_fail(m, "ends without its last opcode");
}

/* ---- The public calls -------------------------------------------------------------------- */

enum sedd_status sedd_pickle_read(const uint8_t *bytes, size_t size, struct sedd_pickle *pickle,
                                  struct sedd_error *error)
{
    struct sedd_error own;
    struct sedd_machine m;
    uint32_t root = 0;
    bool done = sedd_machine_init(&m, bytes, size, error != NULL ? error : &own) && run(&m, &root);
    sedd_machine_clear(&m);
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
