/*
 * vocabulary.c - see vocabulary.h. The files are hostile: every id, token and merge is checked.
 *
 * They write each byte as one printable character (GPT-2's alphabet); tokens are turned back into
 * bytes once, when the vocabulary is read.
 */
#include "text/vocabulary.h"

#include "files/json.h"

#include <string.h>
#include <utf8proc.h>

/* ---- The alphabet ------------------------------------------------------------------------ */

/* Byte that a character stands for, or -1: printable Latin-1 stands for itself, the 68 others are
 * U+0100 onwards in order. */
static int byte_of(utf8proc_int32_t c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255)) {
        return (int)c;
    }
    int place = (int)(c - 256);
    if (c < 256 || place >= 68) {
        return -1;
    }
    return place < 33 ? place : place < 67 ? place - 33 + 127 : 173;
}

/* Characters -> bytes in place of `out` [at least size]; false if one is not of the alphabet. */
static bool to_bytes(const char *text, size_t size, char *out, size_t *out_size)
{
    size_t place = 0;
    *out_size = 0;
    while (place < size) {
        utf8proc_int32_t c;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text + place,
                                                 (utf8proc_ssize_t)(size - place), &c);
        if (used <= 0 || byte_of(c) < 0) {
            return false;
        }
        out[(*out_size)++] = (char)byte_of(c);
        place += (size_t)used;
    }
    return true;
}

/* ---- Tokens and merges ------------------------------------------------------------------- */

struct reader {
    const char *file;
    struct sedd_bpe *bpe;
    char *left, *right; /* [longest] bytes of a token each */
};

/* `token` has `size` bytes and need not end in a zero byte. */
static enum sedd_status refuse_part(const struct reader *reader, const char *what,
                                    const char *token, size_t size, struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: %s, at \"%.*s\"", reader->file, what,
                     size < 60 ? (int)size : 60, token);
}

static enum sedd_status refuse(const struct reader *reader, const char *what, const char *token,
                               struct sedd_error *error)
{
    return refuse_part(reader, what, token, strlen(token), error);
}

static bool valid_id(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < SEDD_TOKENS_MAX &&
           item->valuedouble == (double)(int32_t)item->valuedouble;
}

static enum sedd_status add_vocabulary(struct reader *reader, const cJSON *vocab,
                                       struct sedd_error *error)
{
    for (const cJSON *item = vocab->child; item != NULL; item = item->next) {
        size_t size;
        if (!to_bytes(item->string, strlen(item->string), reader->left, &size)) {
            return refuse(reader, "a token has a character outside the byte-level alphabet",
                          item->string, error);
        }
        if (!sedd_bpe_add_token(reader->bpe, item->valueint, reader->left, size)) {
            return refuse(reader, "a token or its id appears twice or is empty", item->string,
                          error);
        }
    }
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        if (sedd_bpe_find(reader->bpe, &c, 1) < 0) {
            return sedd_fail(
                error, SEDD_ERROR_FORMAT,
                "%s: no token stands for byte 0x%02x, so some text could not be written",
                reader->file, byte);
        }
    }
    return SEDD_OK;
}

static enum sedd_status add_merge(struct reader *reader, const char *left, size_t left_size,
                                  const char *right, size_t right_size, struct sedd_error *error)
{
    size_t left_bytes, right_bytes;
    if (!to_bytes(left, left_size, reader->left, &left_bytes) ||
        !to_bytes(right, right_size, reader->right, &right_bytes) ||
        !sedd_bpe_add_merge(reader->bpe, reader->left, left_bytes, reader->right, right_bytes)) {
        return refuse_part(reader, "a merge joins what are no tokens, or gives none", left,
                           left_size, error);
    }
    return SEDD_OK;
}

/* "left right" in the first `size` bytes of a line. */
static enum sedd_status add_merge_line(struct reader *reader, const char *line, size_t size,
                                       struct sedd_error *error)
{
    const char *space = memchr(line, ' ', size);
    if (space == NULL) {
        return refuse_part(reader, "a merge is not two tokens with a space between", line, size,
                           error);
    }
    size_t left = (size_t)(space - line);
    return add_merge(reader, line, left, space + 1, size - left - 1, error);
}

static enum sedd_status add_merge_array(struct reader *reader, const cJSON *merges,
                                        struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (const cJSON *item = merges->child; item != NULL && status == SEDD_OK; item = item->next) {
        if (cJSON_IsString(item)) {
            status = add_merge_line(reader, item->valuestring, strlen(item->valuestring), error);
        } else if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 2 &&
                   cJSON_IsString(item->child) && cJSON_IsString(item->child->next)) {
            const char *left = item->child->valuestring, *right = item->child->next->valuestring;
            status = add_merge(reader, left, strlen(left), right, strlen(right), error);
        } else {
            status =
                refuse(reader, "a merge is neither \"left right\" nor a pair", "merges", error);
        }
    }
    return status;
}

static enum sedd_status add_merge_text(struct reader *reader, const char *text, size_t size,
                                       struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (size_t place = 0; place < size && status == SEDD_OK;) {
        const char *line = text + place;
        const char *newline = memchr(line, '\n', size - place);
        size_t length = newline == NULL ? size - place : (size_t)(newline - line);
        bool version = place == 0 && length > 8 && memcmp(line, "#version", 8) == 0;
        place += length + 1;
        length -= length > 0 && line[length - 1] == '\r';
        if (length > 0 && !version) {
            status = add_merge_line(reader, line, length, error);
        }
    }
    return status;
}

static enum sedd_status add_specials(struct reader *reader, const cJSON *added,
                                     struct sedd_error *error)
{
    for (const cJSON *item = added == NULL ? NULL : added->child; item != NULL; item = item->next) {
        const cJSON *content = sedd_json_find(item, "content"), *id = sedd_json_find(item, "id");
        if (!cJSON_IsString(content) || !valid_id(id)) {
            return refuse(reader, "an added token lacks its content or a sensible id",
                          "added_tokens", error);
        }
        const char *text = content->valuestring;
        if (sedd_bpe_find(reader->bpe, text, strlen(text)) != id->valueint &&
            !sedd_bpe_add_token(reader->bpe, id->valueint, text, strlen(text))) {
            return refuse(reader, "an added token or its id is taken already", text, error);
        }
    }
    return SEDD_OK;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* What the vocabulary needs room for. */
struct extent {
    size_t tokens, bytes, longest; /* bytes of all texts, and of the longest */
    int32_t largest_id;
};

static void measure(struct extent *extent, const char *text, int32_t id)
{
    size_t size = strlen(text);
    extent->tokens++;
    extent->bytes += size;
    extent->longest = size > extent->longest ? size : extent->longest;
    extent->largest_id = sedd_max(extent->largest_id, id);
}

static enum sedd_status measure_all(const char *file, const cJSON *vocab, const cJSON *added,
                                    struct extent *extent, struct sedd_error *error)
{
    if (!cJSON_IsObject(vocab) || vocab->child == NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s has no vocabulary", file);
    }
    for (const cJSON *item = vocab->child; item != NULL; item = item->next) {
        if (!valid_id(item)) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s: the id of \"%.60s\" is not a whole number from 0 to %d", file,
                             item->string, SEDD_TOKENS_MAX - 1);
        }
        measure(extent, item->string, item->valueint);
    }
    for (const cJSON *item = added == NULL ? NULL : added->child; item != NULL; item = item->next) {
        const cJSON *content = sedd_json_find(item, "content"), *id = sedd_json_find(item, "id");
        if (cJSON_IsString(content) && valid_id(id)) {
            measure(extent, content->valuestring, id->valueint);
        }
    }
    return SEDD_OK;
}

/* The parsed parts of a vocabulary: merges are an array, or text where that is NULL. */
struct source {
    const char *file; /* what to call it in messages */
    const cJSON *vocab, *added, *merges;
    const char *merge_text;
    size_t merge_size;
};

/* Bytes of the longest text among the merges or in their pairs. */
static size_t longest_merge(const cJSON *merges)
{
    size_t longest = 0;
    for (const cJSON *item = merges->child; item != NULL; item = item->next) {
        bool pair = cJSON_IsArray(item);
        for (const cJSON *part = pair ? item->child : item; part != NULL;
             part = pair ? part->next : NULL) {
            size_t size = cJSON_IsString(part) ? strlen(part->valuestring) : 0;
            longest = size > longest ? size : longest;
        }
    }
    return longest;
}

/* Takes the memory that the source's vocabulary needs. */
static enum sedd_status open_reader(struct reader *reader, const struct source *source,
                                    struct sedd_error *error)
{
    struct extent extent = {0};
    enum sedd_status status =
        measure_all(source->file, source->vocab, source->added, &extent, error);
    if (status != SEDD_OK) {
        return status;
    }
    bool array = source->merges != NULL;
    /* of text: the shortest line, "a b" and its end, has 4 bytes */
    size_t merges = array ? (size_t)cJSON_GetArraySize(source->merges) : source->merge_size / 4 + 1;
    size_t longest = array ? longest_merge(source->merges) : source->merge_size;
    longest = longest > extent.longest ? longest : extent.longest;
    reader->file = source->file;
    reader->left = sedd_memory_new(longest, 1);
    reader->right = sedd_memory_new(longest, 1);
    return reader->left != NULL && reader->right != NULL
               ? sedd_bpe_new(extent.tokens, extent.bytes, merges, extent.largest_id, &reader->bpe,
                              error)
               : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the vocabulary");
}

/* Tokens, then merges of them, then special tokens, which take part in no merge. */
static enum sedd_status build(const struct source *source, struct sedd_bpe **bpe,
                              struct sedd_error *error)
{
    struct reader reader = {0};
    enum sedd_status status = open_reader(&reader, source, error);
    if (status == SEDD_OK) {
        status = add_vocabulary(&reader, source->vocab, error);
    }
    if (status == SEDD_OK) {
        status = source->merges != NULL
                     ? add_merge_array(&reader, source->merges, error)
                     : add_merge_text(&reader, source->merge_text, source->merge_size, error);
    }
    if (status == SEDD_OK) {
        status = add_specials(&reader, source->added, error);
    }
    sedd_memory_free(reader.left);
    sedd_memory_free(reader.right);
    if (status == SEDD_OK) {
        *bpe = reader.bpe;
    } else {
        sedd_bpe_free(reader.bpe);
    }
    return status;
}

/* ---- The files --------------------------------------------------------------------------- */

static bool is_word(const cJSON *root, const char *path, const char *word)
{
    const cJSON *item = sedd_json_find(root, path);
    return cJSON_IsString(item) && strcmp(item->valuestring, word) == 0;
}

/* Returns whether the model is a BPE. A tokenizer.json of the first versions of the format, such as
 * GPT-2's on the hub, has no model.type: an object of tokens and a list of merges are a BPE then.
 */
static bool is_bpe(const cJSON *root)
{
    const cJSON *type = sedd_json_find(root, "model.type");
    bool untyped = type == NULL || cJSON_IsNull(type);
    return untyped ? cJSON_IsObject(sedd_json_find(root, "model.vocab")) &&
                         cJSON_IsArray(sedd_json_find(root, "model.merges"))
                   : is_word(root, "model.type", "BPE");
}

/* Refuses what would silently give other ids than the file means. */
static enum sedd_status check_supported(const cJSON *root, struct sedd_error *error)
{
    const cJSON *normalizer = sedd_json_find(root, "normalizer");
    const cJSON *dropout = sedd_json_find(root, "model.dropout");
    if (!is_bpe(root) || !is_word(root, "pre_tokenizer.type", "ByteLevel")) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         "tokenizer.json is not a byte-level BPE; this engine reads model.type "
                         "\"BPE\" (or none, with a vocab and merges) and pre_tokenizer.type "
                         "\"ByteLevel\"");
    }
    if (cJSON_IsTrue(sedd_json_find(root, "pre_tokenizer.add_prefix_space")) ||
        (normalizer != NULL && !cJSON_IsNull(normalizer)) ||
        (dropout != NULL && !cJSON_IsNull(dropout))) {
        return sedd_fail(
            error, SEDD_ERROR_UNSUPPORTED,
            "tokenizer.json asks for a normalizer, a prefix space or dropout, which this "
            "engine does not apply");
    }
    return SEDD_OK;
}

enum sedd_status sedd_vocabulary_read_json(const char *text, size_t size, struct sedd_bpe **bpe,
                                           struct sedd_error *error)
{
    cJSON *root;
    enum sedd_status status = sedd_json_parse("tokenizer.json", text, size, &root, error);
    if (status != SEDD_OK) {
        return status;
    }
    status = check_supported(root, error);
    const cJSON *merges = sedd_json_find(root, "model.merges");
    if (status == SEDD_OK && !cJSON_IsArray(merges)) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT, "tokenizer.json lacks \"model.merges\"");
    }
    if (status == SEDD_OK) {
        struct source source = {.file = "tokenizer.json",
                                .vocab = sedd_json_find(root, "model.vocab"),
                                .added = sedd_json_find(root, "added_tokens"),
                                .merges = merges};
        status = build(&source, bpe, error);
    }
    cJSON_Delete(root);
    return status;
}

enum sedd_status sedd_vocabulary_read_gpt2(const char *vocab, size_t vocab_size, const char *merges,
                                           size_t merges_size, struct sedd_bpe **bpe,
                                           struct sedd_error *error)
{
    cJSON *root;
    enum sedd_status status = sedd_json_parse("vocab.json", vocab, vocab_size, &root, error);
    if (status == SEDD_OK) {
        struct source source = {
            .file = "vocab.json", .vocab = root, .merge_text = merges, .merge_size = merges_size};
        status = build(&source, bpe, error);
        cJSON_Delete(root);
    }
    return status;
}
