/*
 * vocabulary.c - implements vocabulary.h. The files are untrusted: every id, token and merge is
 * checked.
 *
 * The files write each byte as one printable character (GPT-2's alphabet). Tokens are converted
 * back to bytes when the vocabulary is read.
 */
#include "text/vocabulary.h"

#include "files/json.h"

#include <string.h>
#include <utf8proc.h>

/* ---- The alphabet ------------------------------------------------------------------------ */

/* Returns the byte that a character stands for, or -1. Printable Latin-1 stands for itself; the 68
 * other bytes are U+0100 onwards, in order. */
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

/* Converts characters to bytes in out [at least size]. Returns false if a character is not in the
 * alphabet. */
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
    const char *file, *merge_file, *added_file;
    struct sedd_bpe *bpe;
    struct sedd_added *added;
    char *left, *right; /* [longest] each: buffers for the bytes of a token */
};

/* Fails with a message that quotes `token`, which has `size` bytes and no terminating zero. */
static enum sedd_status refuse_part(const char *file, const char *what, const char *token,
                                    size_t size, struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: %s, at \"%.*s\"", file, what,
                     size < 60 ? (int)size : 60, token);
}

static enum sedd_status refuse(const char *file, const char *what, const char *token,
                               struct sedd_error *error)
{
    return refuse_part(file, what, token, strlen(token), error);
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
            return refuse(reader->file, "a token has a character outside the byte-level alphabet",
                          item->string, error);
        }
        if (!sedd_bpe_add_token(reader->bpe, item->valueint, reader->left, size, false)) {
            return refuse(reader->file, "a token or its id appears twice or is empty", item->string,
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
        return refuse_part(reader->merge_file, "a merge has a half or a result that is not a token",
                           left, left_size, error);
    }
    return SEDD_OK;
}

/* Adds the merge "left right" in the first `size` bytes of a line. */
static enum sedd_status add_merge_line(struct reader *reader, const char *line, size_t size,
                                       struct sedd_error *error)
{
    const char *space = memchr(line, ' ', size);
    if (space == NULL) {
        return refuse_part(reader->merge_file, "a merge is not two tokens with a space between",
                           line, size, error);
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
            status = refuse(reader->merge_file, "a merge is neither \"left right\" nor a pair",
                            "merges", error);
        }
    }
    return status;
}

#define BOM "\xEF\xBB\xBF"

/* Adds the merges of merges.txt, which has one per line. A line ends in LF, CR or both; the first
 * may be "#version: 0.2". */
static enum sedd_status add_merge_text(struct reader *reader, const char *text, size_t size,
                                       struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    size_t start = size >= 3 && memcmp(text, BOM, 3) == 0 ? 3 : 0;
    for (size_t place = start; place < size && status == SEDD_OK;) {
        const char *line = text + place;
        size_t length = 0;
        while (place + length < size && line[length] != '\n' && line[length] != '\r') {
            length++;
        }
        bool version = place == start && length > 8 && memcmp(line, "#version", 8) == 0;
        place += length + 1;
        if (length > 0 && !version) {
            status = add_merge_line(reader, line, length, error);
        }
    }
    return status;
}

/* Adds an added token under its id and its text. A token that is already in the vocabulary stays
 * unchanged. */
static enum sedd_status add_token(struct reader *reader, struct sedd_added_token token,
                                  const char *text, struct sedd_error *error)
{
    size_t size = strlen(text);
    if (size == 0) {
        return SEDD_OK; /* an empty token never occurs in a text */
    }
    if (sedd_bpe_find(reader->bpe, text, size) != token.id &&
        !sedd_bpe_add_token(reader->bpe, token.id, text, size, true)) {
        return refuse(reader->added_file, "an added token's text or id is already in use", text,
                      error);
    }
    sedd_added_put(reader->added, token, text, size);
    return SEDD_OK;
}

/* Adds one entry of added_tokens in tokenizer.json. */
static enum sedd_status add_described(struct reader *reader, const cJSON *item,
                                      struct sedd_error *error)
{
    const cJSON *content = sedd_json_find(item, "content"), *id = sedd_json_find(item, "id");
    struct sedd_added_token token = {0};
    struct {
        const char *name;
        bool *value;
    } flags[] = {{"special", &token.special},
                 {"single_word", &token.single_word},
                 {"lstrip", &token.lstrip},
                 {"rstrip", &token.rstrip},
                 {"normalized", &token.normalized}};
    enum sedd_status status = SEDD_OK;
    if (!cJSON_IsString(content) || !valid_id(id)) {
        return refuse(reader->added_file, "an added token has no content or an invalid id",
                      "added_tokens", error);
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && status == SEDD_OK; i++) {
        status =
            sedd_json_bool(reader->added_file, item, flags[i].name, false, flags[i].value, error);
    }
    token.id = id->valueint;
    return status == SEDD_OK ? add_token(reader, token, content->valuestring, error) : status;
}

#define END_OF_TEXT "<|endoftext|>"

/* Adds the entries of a list of added_tokens, or of an added_tokens.json, {text: id}. In the
 * latter, GPT-2's own end of text is special, as in its class. */
static enum sedd_status add_added(struct reader *reader, const cJSON *added,
                                  struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    bool plain = cJSON_IsObject(added);
    for (const cJSON *item = added == NULL ? NULL : added->child; item != NULL && status == SEDD_OK;
         item = item->next) {
        if (!plain) {
            status = add_described(reader, item, error);
        } else if (!valid_id(item)) {
            status = refuse(reader->added_file, "a token has an invalid id", item->string, error);
        } else {
            bool special = strcmp(item->string, END_OF_TEXT) == 0;
            struct sedd_added_token token = {
                .id = item->valueint, .special = special, .normalized = !special};
            status = add_token(reader, token, item->string, error);
        }
    }
    return status;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* Sizes that the vocabulary needs. */
struct extent {
    size_t tokens, bytes, longest;    /* bytes of all texts, and of the longest */
    size_t added_tokens, added_bytes; /* the share of the added tokens */
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
        bool plain = cJSON_IsObject(added);
        const cJSON *content = sedd_json_find(item, "content");
        const cJSON *id = plain ? item : sedd_json_find(item, "id");
        const char *text = plain ? item->string : cJSON_GetStringValue(content);
        if (text != NULL && valid_id(id)) {
            measure(extent, text, id->valueint);
            extent->added_tokens++;
            extent->added_bytes += strlen(text);
        }
    }
    return SEDD_OK;
}

/* The parsed parts of a vocabulary. Merges are an array, or a text if the array is NULL. */
struct source {
    const char *file, *merge_file, *added_file; /* names in messages */
    const cJSON *vocab, *added, *merges;
    const char *merge_text;
    size_t merge_size;
};

/* Returns the size in bytes of the longest string in the merges. */
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

/* Allocates the memory that the source's vocabulary needs. */
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
    /* The shortest line of a text, "a b" and its end, has 4 bytes. */
    size_t merges = array ? (size_t)cJSON_GetArraySize(source->merges) : source->merge_size / 4 + 1;
    size_t longest = array ? longest_merge(source->merges) : source->merge_size;
    longest = longest > extent.longest ? longest : extent.longest;
    reader->file = source->file;
    reader->merge_file = source->merge_file;
    reader->added_file = source->added_file;
    reader->left = sedd_memory_new(longest, 1);
    reader->right = sedd_memory_new(longest, 1);
    if (reader->left == NULL || reader->right == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the vocabulary");
    }
    status = sedd_added_init(reader->added, extent.added_tokens, extent.added_bytes, error);
    return status == SEDD_OK ? sedd_bpe_new(extent.tokens, extent.bytes, merges, extent.largest_id,
                                            &reader->bpe, error)
                             : status;
}

/* Adds the tokens, then their merges, then the added tokens, which take part in no merge.
 * *vocabulary owns everything that is built, also on failure. */
static enum sedd_status build(const struct source *source, struct sedd_vocabulary *vocabulary,
                              struct sedd_error *error)
{
    struct reader reader = {.added = &vocabulary->added};
    enum sedd_status status = open_reader(&reader, source, error);
    vocabulary->bpe = reader.bpe;
    if (status == SEDD_OK) {
        status = add_vocabulary(&reader, source->vocab, error);
    }
    if (status == SEDD_OK) {
        status = source->merges != NULL
                     ? add_merge_array(&reader, source->merges, error)
                     : add_merge_text(&reader, source->merge_text, source->merge_size, error);
    }
    if (status == SEDD_OK) {
        status = add_added(&reader, source->added, error);
    }
    sedd_memory_free(reader.left);
    sedd_memory_free(reader.right);
    return status;
}

void sedd_vocabulary_clear(struct sedd_vocabulary *vocabulary)
{
    sedd_bpe_free(vocabulary->bpe);
    sedd_added_clear(&vocabulary->added);
    *vocabulary = (struct sedd_vocabulary){0};
}

/* ---- tokenizer.json ---------------------------------------------------------------------- */

#define FILE_NAME "tokenizer.json"

static bool is_word(const cJSON *root, const char *path, const char *word)
{
    const cJSON *item = sedd_json_find(root, path);
    return cJSON_IsString(item) && strcmp(item->valuestring, word) == 0;
}

static bool is_absent(const cJSON *item)
{
    return item == NULL || cJSON_IsNull(item);
}

/* Returns true if the model is a BPE. A tokenizer.json of the first versions of the format, such as
 * GPT-2's on the hub, has no model.type. An object of tokens with a list of merges then is a BPE.
 */
static bool is_bpe(const cJSON *root)
{
    return is_absent(sedd_json_find(root, "model.type"))
               ? cJSON_IsObject(sedd_json_find(root, "model.vocab")) &&
                     cJSON_IsArray(sedd_json_find(root, "model.merges"))
               : is_word(root, "model.type", "BPE");
}

/* Returns the step at a key. If it is a Sequence with at most one step under `list`, returns that
 * step, or NULL if the Sequence is empty. */
static const cJSON *single_step(const cJSON *root, const char *key, const char *list)
{
    const cJSON *step = sedd_json_find(root, key);
    const cJSON *steps = is_word(step, "type", "Sequence") ? sedd_json_find(step, list) : NULL;
    bool single = cJSON_IsArray(steps) && cJSON_GetArraySize(steps) <= 1;
    step = single ? steps->child : step;
    return is_absent(step) ? NULL : step;
}

static enum sedd_status refuse_option(const char *name, const cJSON *value,
                                      struct sedd_error *error)
{
    char shown[81];
    struct sedd_text text = {shown, sizeof shown, 0};
    sedd_text_put_json(&text, value);
    return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                     FILE_NAME ": this engine does not apply \"%s\", which is %s", name, shown);
}

/* Fails unless the step is absent or is ByteLevel, which changes neither ids nor bytes there. */
static enum sedd_status check_step(const cJSON *root, const char *key, const char *list,
                                   struct sedd_error *error)
{
    const cJSON *step = single_step(root, key, list);
    return step == NULL || is_word(step, "type", "ByteLevel") ? SEDD_OK
                                                              : refuse_option(key, step, error);
}

/* Checks the post-processor. A template that adds no token has no effect and is accepted. */
static enum sedd_status check_post_processor(const cJSON *root, struct sedd_error *error)
{
    const cJSON *step = single_step(root, "post_processor", "processors");
    const cJSON *single = sedd_json_find(step, "single");
    bool adds = !is_word(step, "type", "TemplateProcessing") || !cJSON_IsArray(single);
    for (const cJSON *item = adds ? NULL : single->child; item != NULL; item = item->next) {
        adds = adds || sedd_json_find(item, "Sequence") == NULL;
    }
    return step == NULL || !adds ? SEDD_OK
                                 : check_step(root, "post_processor", "processors", error);
}

/* Checks the options of the model. unk_token, fuse_unk and byte_fallback are ignored: they have no
 * effect when every byte is a token, which is checked. */
static enum sedd_status check_model(const cJSON *root, struct sedd_error *error)
{
    const cJSON *dropout = sedd_json_find(root, "model.dropout");
    static const char *const affixes[] = {"model.continuing_subword_prefix",
                                          "model.end_of_word_suffix"};
    if (!is_absent(dropout) && !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0.0)) {
        return refuse_option("model.dropout", dropout, error);
    }
    for (size_t i = 0; i < sizeof affixes / sizeof affixes[0]; i++) {
        const cJSON *affix = sedd_json_find(root, affixes[i]);
        if (!is_absent(affix) && !is_word(root, affixes[i], "")) {
            return refuse_option(affixes[i], affix, error);
        }
    }
    return SEDD_OK;
}

/* Reads how a text is split, and refuses options that would silently change the ids. `truncation`
 * and `padding` are left to the caller, as in the reference code. trim_offsets changes only
 * offsets, which this engine does not return. */
static enum sedd_status read_options(const cJSON *root, struct sedd_vocabulary *vocabulary,
                                     struct sedd_error *error)
{
    const cJSON *words = single_step(root, "pre_tokenizer", "pretokenizers");
    const cJSON *normalizer = single_step(root, "normalizer", "normalizers");
    bool use_regex = true;
    if (!is_bpe(root) || !is_word(words, "type", "ByteLevel")) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME " is not a byte-level BPE; this engine reads model.type "
                                   "\"BPE\" (or none, with a vocab and merges) and "
                                   "pre_tokenizer.type \"ByteLevel\"");
    }
    enum sedd_status status =
        normalizer == NULL ? SEDD_OK : refuse_option("normalizer", normalizer, error);
    if (status == SEDD_OK) {
        status = check_model(root, error);
    }
    if (status == SEDD_OK) {
        status = check_post_processor(root, error);
    }
    if (status == SEDD_OK) {
        status = check_step(root, "decoder", "decoders", error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_bool(FILE_NAME, words, "use_regex", true, &use_regex, error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_bool(FILE_NAME, words, "add_prefix_space", false,
                                &vocabulary->prefix_space, error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_bool(FILE_NAME, root, "model.ignore_merges", false,
                                &vocabulary->ignore_merges, error);
    }
    vocabulary->whole = !use_regex;
    return status;
}

/* Moves *built to *vocabulary on success; otherwise clears it. */
static enum sedd_status finish(enum sedd_status status, struct sedd_vocabulary *built,
                               struct sedd_vocabulary *vocabulary)
{
    if (status == SEDD_OK) {
        *vocabulary = *built;
    } else {
        sedd_vocabulary_clear(built);
    }
    return status;
}

enum sedd_status sedd_vocabulary_read_json(const char *text, size_t size,
                                           struct sedd_vocabulary *vocabulary,
                                           struct sedd_error *error)
{
    cJSON *root;
    struct sedd_vocabulary built = {0};
    enum sedd_status status = sedd_json_parse(FILE_NAME, text, size, &root, error);
    if (status != SEDD_OK) {
        return status;
    }
    const cJSON *merges = sedd_json_find(root, "model.merges");
    const cJSON *added = sedd_json_find(root, "added_tokens");
    status = read_options(root, &built, error);
    if (status == SEDD_OK && !cJSON_IsArray(merges)) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME " lacks \"model.merges\"");
    }
    if (status == SEDD_OK && !is_absent(added) && !cJSON_IsArray(added)) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME ": \"added_tokens\" is not a list");
    }
    if (status == SEDD_OK) {
        struct source source = {.file = FILE_NAME,
                                .merge_file = FILE_NAME,
                                .added_file = FILE_NAME,
                                .vocab = sedd_json_find(root, "model.vocab"),
                                .added = added,
                                .merges = merges};
        status = build(&source, &built, error);
    }
    cJSON_Delete(root);
    return finish(status, &built, vocabulary);
}

/* ---- vocab.json and merges.txt ----------------------------------------------------------- */

enum sedd_status sedd_vocabulary_read_gpt2(const char *vocab, size_t vocab_size, const char *merges,
                                           size_t merges_size, const char *added, size_t added_size,
                                           struct sedd_vocabulary *vocabulary,
                                           struct sedd_error *error)
{
    cJSON *root = NULL, *more = NULL;
    struct sedd_vocabulary built = {0};
    enum sedd_status status = sedd_json_parse("vocab.json", vocab, vocab_size, &root, error);
    if (status == SEDD_OK && added != NULL) {
        status = sedd_json_parse("added_tokens.json", added, added_size, &more, error);
    }
    if (status == SEDD_OK && more != NULL && !cJSON_IsObject(more)) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT,
                           "added_tokens.json is not an object of tokens and their ids");
    }
    if (status == SEDD_OK) {
        struct source source = {.file = "vocab.json",
                                .merge_file = "merges.txt",
                                .added_file = "added_tokens.json",
                                .vocab = root,
                                .added = more,
                                .merge_text = merges,
                                .merge_size = merges_size};
        status = build(&source, &built, error);
    }
    cJSON_Delete(root);
    cJSON_Delete(more);
    return finish(status, &built, vocabulary);
}
