/* torch.c - implements torch.h. */
#include "files/torch.h"

#include "files/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "the torch file"
#define PICKLE_NAME "data.pkl"

struct index {
    struct sedd_pickle pickle;
    const struct sedd_zip *zip;
    char prefix[256]; /* "archive/" */
    char *name;       /* destination of the next name */
    struct sedd_header header;
    struct sedd_error *error;
};

enum sedd_status sedd_torch_find_pickle(const struct sedd_zip *zip,
                                        const struct sedd_zip_entry **pickle,
                                        struct sedd_error *error)
{
    for (size_t i = 0; i < zip->count; i++) {
        const char *slash = strchr(zip->entries[i].name, '/');
        if (slash == NULL || strcmp(slash + 1, PICKLE_NAME) != 0) {
            continue;
        }
        if (zip->entries[i].size > SEDD_PICKLE_MAX || zip->entries[i].size == 0) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME "'s " PICKLE_NAME " has %llu bytes; expected 1 to %u",
                             (unsigned long long)zip->entries[i].size, SEDD_PICKLE_MAX);
        }
        *pickle = &zip->entries[i];
        return SEDD_OK;
    }
    return sedd_fail(
        error, SEDD_ERROR_UNSUPPORTED,
        "the file is a zip, but not one that torch.save writes: it has no " PICKLE_NAME);
}

/* ---- One tensor -------------------------------------------------------------------------- */

static enum sedd_status fail_tensor(struct index *index, const char *name, const char *what)
{
    return sedd_fail(index->error, SEDD_ERROR_FORMAT, FILE_NAME ": tensor \"%.80s\" %s", name,
                     what);
}

/* Reads a list of at most SEDD_RANK_MAX sizes. */
static bool read_sizes(const struct sedd_pickle *pickle, uint32_t list, uint64_t *sizes, int *rank)
{
    const struct sedd_value *value = &pickle->values[list];
    *rank = 0;
    if (value->c > SEDD_RANK_MAX) {
        return false;
    }
    for (uint32_t item = value->a; item != 0; item = pickle->items[item].next) {
        const struct sedd_value *size = &pickle->values[pickle->items[item].value];
        if (size->kind != SEDD_VALUE_INTEGER || size->integer < 0 || *rank == SEDD_RANK_MAX) {
            return false;
        }
        sizes[(*rank)++] = (uint64_t)size->integer;
    }
    return true;
}

/* Returns true if the tensor is stored row by row without gaps. The stride of each dimension,
 * unless its size is 1, must be the product of the sizes after it. */
static bool is_plain(const struct sedd_tensor *tensor, const uint64_t *strides)
{
    uint64_t expected = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (tensor->shape[i] != 1 && strides[i] != expected) {
            return false;
        }
        expected *= tensor->shape[i];
    }
    return true;
}

static const struct sedd_zip_entry *find_storage(struct index *index,
                                                 const struct sedd_value *storage)
{
    char name[320];
    const struct sedd_value *key = &index->pickle.values[storage->a];
    if (key->b > 32) {
        return NULL;
    }
    snprintf(name, sizeof name, "%sdata/%.*s", index->prefix, (int)key->b,
             (const char *)index->pickle.bytes + key->a);
    return sedd_zip_entry_find(index->zip, name);
}

static enum sedd_status add_tensor(struct index *index, const char *name, uint32_t value)
{
    const struct sedd_value *source = &index->pickle.values[value];
    if (source->kind != SEDD_VALUE_TENSOR) {
        return fail_tensor(index, name, "is not a tensor; a state dict holds only tensors");
    }
    const struct sedd_value *storage = &index->pickle.values[source->a];
    struct sedd_tensor tensor = {.name = name, .element = (enum sedd_element)storage->b};
    uint64_t strides[SEDD_RANK_MAX], count = 1, size, begin;
    int rank;
    bool sound = read_sizes(&index->pickle, source->b, tensor.shape, &tensor.rank) &&
                 read_sizes(&index->pickle, source->c, strides, &rank) && rank == tensor.rank;
    for (int i = 0; sound && i < rank; i++) {
        sound = sedd_size_multiply(count, tensor.shape[i], &count);
    }
    if (!sound) {
        return fail_tensor(index, name, "has an invalid shape; expected at most 4 sizes");
    }
    if (count > 0 && !is_plain(&tensor, strides)) {
        return fail_tensor(index, name, "is not stored row by row; save it with .contiguous()");
    }
    const struct sedd_zip_entry *entry = find_storage(index, storage);
    if (entry == NULL) {
        return fail_tensor(index, name, "has no data in the file");
    }
    uint64_t width = sedd_element_size(tensor.element), total = (uint64_t)storage->integer;
    if (width > 0) { /* other types are refused when the tensor is needed */
        bool fits = sedd_size_multiply(total, width, &size) && size == entry->size &&
                    (uint64_t)source->integer <= total &&
                    count <= total - (uint64_t)source->integer;
        if (!fits) {
            return fail_tensor(index, name, "extends past the end of its storage");
        }
        begin = (uint64_t)source->integer * width;
        tensor.begin = begin;
        tensor.end = begin + count * width;
    }
    tensor.part = (size_t)(entry - index->zip->entries);
    index->header.tensors[index->header.count++] = tensor;
    return SEDD_OK;
}

/* ---- The state dict ---------------------------------------------------------------------- */

/* Copies a key and returns the copy, which is valid until the header is cleared. */
static const char *take_name(struct index *index, uint32_t key)
{
    const struct sedd_value *text = &index->pickle.values[key];
    const uint8_t *bytes = index->pickle.bytes + text->a;
    if (text->kind != SEDD_VALUE_TEXT || text->b > 200 || memchr(bytes, 0, text->b) != NULL) {
        return NULL;
    }
    char *name = index->name;
    memcpy(name, bytes, text->b);
    name[text->b] = '\0';
    index->name += text->b + 1;
    return name;
}

/* Adds the tensors of the dict `names`. If `averages` is given, it adds the tensors of that list
 * under the names of the dict instead. Both have the same order, but only the dict has buffers. */
static enum sedd_status add_all(struct index *index, uint32_t names, const uint32_t *averages)
{
    const struct sedd_pickle *pickle = &index->pickle;
    uint32_t average = averages == NULL ? 0 : pickle->values[*averages].a;
    enum sedd_status status = SEDD_OK;
    for (uint32_t item = pickle->values[names].a; item != 0 && status == SEDD_OK;
         item = pickle->items[item].next) {
        const char *name = take_name(index, pickle->items[item].key);
        if (name == NULL) {
            return sedd_fail(index->error, SEDD_ERROR_FORMAT,
                             FILE_NAME " holds no state dict: a key is not a tensor's name");
        }
        if (averages == NULL || strcmp(name, "rotary_emb.inv_freq") == 0) {
            status = add_tensor(index, name, pickle->items[item].value);
        } else if (average == 0) {
            return fail_tensor(index, name,
                               "has no average: \"ema\" has fewer tensors than \"model\"");
        } else {
            status = add_tensor(index, name, pickle->items[average].value);
            average = pickle->items[average].next;
        }
    }
    if (status == SEDD_OK && average != 0) {
        return sedd_fail(index->error, SEDD_ERROR_FORMAT,
                         FILE_NAME "'s \"ema\" has more tensors than its \"model\"");
    }
    return status;
}

/* Adds the tensors of a state dict, or of the reference code's checkpoint
 * {"model": ..., "ema": {"shadow_params": [...]}, ...}. */
static enum sedd_status add_state(struct index *index)
{
    const struct sedd_pickle *pickle = &index->pickle;
    uint32_t model, ema, averages, root = pickle->root;
    if (pickle->values[root].kind != SEDD_VALUE_DICT) {
        return sedd_fail(index->error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME " holds no state dict; save model.state_dict() with torch.save");
    }
    if (!sedd_pickle_find(pickle, root, "model", &model)) {
        return add_all(index, root, NULL);
    }
    if (pickle->values[model].kind != SEDD_VALUE_DICT) {
        return sedd_fail(index->error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME "'s \"model\" is not a state dict");
    }
    bool averaged = sedd_pickle_find(pickle, root, "ema", &ema) &&
                    sedd_pickle_find(pickle, ema, "shadow_params", &averages) &&
                    pickle->values[averages].kind == SEDD_VALUE_LIST &&
                    pickle->values[averages].c > 0;
    return add_all(index, model, averaged ? &averages : NULL);
}

static int compare_places(const void *a, const void *b)
{
    const struct sedd_tensor *first = a, *second = b;
    if (first->part != second->part) {
        return first->part < second->part ? -1 : 1;
    }
    return (first->begin > second->begin) - (first->begin < second->begin);
}

/* Allocates upper bounds of what add_all needs: every string of the pickle may be a name. */
static enum sedd_status reserve(struct index *index, size_t size)
{
    const struct sedd_pickle *pickle = &index->pickle;
    uint32_t model = pickle->root, count;
    if (pickle->values[model].kind == SEDD_VALUE_DICT) {
        sedd_pickle_find(pickle, model, "model", &model);
    }
    count = pickle->values[model].kind == SEDD_VALUE_DICT ? pickle->values[model].c : 0;
    uint64_t names = 0;
    for (uint32_t item = count == 0 ? 0 : pickle->values[model].a; item != 0;
         item = pickle->items[item].next) {
        const struct sedd_value *key = &pickle->values[pickle->items[item].key];
        names += key->kind == SEDD_VALUE_TEXT ? key->b + 1u : 1u;
    }
    if (names > 16 * (uint64_t)size) {
        return sedd_fail(index->error, SEDD_ERROR_FORMAT,
                         FILE_NAME " repeats the names of its tensors");
    }
    index->header.tensors = sedd_memory_new(count, sizeof *index->header.tensors);
    index->header.names = index->name = sedd_memory_new(names, 1);
    return index->header.tensors != NULL && index->name != NULL
               ? SEDD_OK
               : sedd_fail(index->error, SEDD_ERROR_MEMORY,
                           "no memory for the index of " FILE_NAME);
}

/* Returns true if the pickle is that of a Lightning checkpoint (.ckpt), which says so in a key. */
static bool is_lightning(const uint8_t *bytes, size_t size)
{
    static const char key[] = "pytorch-lightning_version";
    size_t length = sizeof key - 1;
    for (size_t i = 0; i + length <= size; i++) {
        if (bytes[i] == 'p' && memcmp(bytes + i, key, length) == 0) {
            return true;
        }
    }
    return false;
}

enum sedd_status sedd_torch_index(const uint8_t *bytes, size_t size, const struct sedd_zip *zip,
                                  const struct sedd_zip_entry *pickle, struct sedd_header *header,
                                  struct sedd_error *error)
{
    struct index index = {.zip = zip, .header.file = FILE_NAME, .error = error};
    size_t prefix = strlen(pickle->name) - strlen(PICKLE_NAME);
    if (prefix >= sizeof index.prefix) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME "'s folder has a name of %zu bytes",
                         prefix);
    }
    memcpy(index.prefix, pickle->name, prefix);
    if (is_lightning(bytes, size)) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME " is a Lightning checkpoint (.ckpt); its configuration is a "
                                   "pickled object and its averaged weights have no names: load it "
                                   "with its own code and save the network's state_dict()");
    }
    enum sedd_status status = sedd_pickle_read(bytes, size, &index.pickle, error);
    if (status == SEDD_OK) {
        status = reserve(&index, size);
    }
    if (status == SEDD_OK) {
        status = add_state(&index);
    }
    if (status == SEDD_OK) {
        qsort(index.header.tensors, index.header.count, sizeof *index.header.tensors,
              compare_places);
        status = sedd_header_check_names(&index.header, error);
    }
    sedd_pickle_clear(&index.pickle);
    if (status == SEDD_OK) {
        *header = index.header;
    } else {
        sedd_header_clear(&index.header);
    }
    return status;
}
