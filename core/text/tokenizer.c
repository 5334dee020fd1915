/*
 * tokenizer.c - converts text to ids and back. Added tokens are matched first (added.c). The rest
 * is split into pieces that merges never cross (pretokenize.c), and byte-pair merges encode each
 * piece (bpe.c). The vocabulary comes from files (vocabulary.c).
 */
#include "files/open.h"
#include "text/pretokenize.h"
#include "text/vocabulary.h"

#include <string.h>

#define FILE_LIMIT (256u << 20) /* largest size of a file in bytes */

struct sedd_tokenizer {
    struct sedd_vocabulary vocabulary;
};

/* ---- Creating and freeing ---------------------------------------------------------------- */

enum sedd_status sedd_tokenizer_new(const struct sedd_tokenizer_files *files,
                                    struct sedd_tokenizer **out, struct sedd_error *error)
{
    struct sedd_tokenizer *tokenizer = sedd_memory_new(1, sizeof *tokenizer);
    if (tokenizer == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the tokenizer");
    }
    enum sedd_status status =
        files->merges == NULL
            ? sedd_vocabulary_read_json(files->vocab, files->vocab_size, &tokenizer->vocabulary,
                                        error)
            : sedd_vocabulary_read_gpt2(files->vocab, files->vocab_size, files->merges,
                                        files->merges_size, files->added, files->added_size,
                                        &tokenizer->vocabulary, error);
    if (status != SEDD_OK) {
        sedd_memory_free(tokenizer);
        return status;
    }
    *out = tokenizer;
    return SEDD_OK;
}

/* Reads vocab.json, merges.txt and, if it exists, added_tokens.json. */
static enum sedd_status read_gpt2_files(const char *folder, char **vocab, char **merges,
                                        char **added, struct sedd_tokenizer_files *files,
                                        struct sedd_error *error)
{
    enum sedd_status status =
        sedd_file_read(folder, "vocab.json", FILE_LIMIT, vocab, &files->vocab_size, NULL);
    if (status != SEDD_OK) {
        return sedd_fail(error, status,
                         "%.300s has neither a tokenizer.json nor a vocab.json with merges.txt",
                         folder);
    }
    status = sedd_file_read(folder, "merges.txt", FILE_LIMIT, merges, &files->merges_size, error);
    if (status == SEDD_OK) {
        status = sedd_file_read(folder, "added_tokens.json", FILE_LIMIT, added, &files->added_size,
                                error);
        status = status == SEDD_ERROR_IO ? SEDD_OK : status;
    }
    return status;
}

enum sedd_status sedd_tokenizer_open(const char *folder, struct sedd_tokenizer **tokenizer,
                                     struct sedd_error *error)
{
    char *vocab = NULL, *merges = NULL, *added = NULL;
    struct sedd_tokenizer_files files = {0};
    enum sedd_status status =
        sedd_file_read(folder, "tokenizer.json", FILE_LIMIT, &vocab, &files.vocab_size, error);
    if (status == SEDD_ERROR_IO) {
        status = read_gpt2_files(folder, &vocab, &merges, &added, &files, error);
    }
    if (status == SEDD_OK) {
        files.vocab = vocab;
        files.merges = merges;
        files.added = added;
        status = sedd_tokenizer_new(&files, tokenizer, error);
    }
    sedd_memory_free(vocab);
    sedd_memory_free(merges);
    sedd_memory_free(added);
    return status;
}

void sedd_tokenizer_free(struct sedd_tokenizer *tokenizer)
{
    if (tokenizer != NULL) {
        sedd_vocabulary_clear(&tokenizer->vocabulary);
        sedd_memory_free(tokenizer);
    }
}

int32_t sedd_tokenizer_size(const struct sedd_tokenizer *tokenizer)
{
    return sedd_bpe_size(tokenizer->vocabulary.bpe);
}

bool sedd_tokenizer_has(const struct sedd_tokenizer *tokenizer, int32_t id)
{
    size_t size;
    return sedd_bpe_bytes(tokenizer->vocabulary.bpe, id, &size) != NULL;
}

int32_t sedd_tokenizer_find(const struct sedd_tokenizer *tokenizer, const char *literal)
{
    return sedd_bpe_find(tokenizer->vocabulary.bpe, literal, strlen(literal));
}

/* ---- Text -> ids ------------------------------------------------------------------------- */

/* State of one encoding. */
struct encoding {
    const struct sedd_vocabulary *vocabulary;
    struct sedd_bpe_work *work;
    size_t capacity; /* longest piece that `work` can hold, in bytes */
    char *spaced;    /* buffer for a part with its prefix space, or NULL */
    int32_t *ids;
    size_t count;
};

static enum sedd_status encode_piece(struct encoding *encoding, const char *piece, size_t size,
                                     struct sedd_error *error)
{
    const struct sedd_vocabulary *vocabulary = encoding->vocabulary;
    int32_t id = vocabulary->ignore_merges ? sedd_bpe_find_piece(vocabulary->bpe, piece, size) : -1;
    if (id >= 0) {
        encoding->ids[encoding->count++] = id;
        return SEDD_OK;
    }
    if (size > encoding->capacity) {
        size_t capacity = size > 2 * encoding->capacity ? size : 2 * encoding->capacity;
        sedd_bpe_work_free(encoding->work);
        encoding->work = NULL;
        enum sedd_status status = sedd_bpe_work_new(capacity, &encoding->work, error);
        if (status != SEDD_OK) {
            return status;
        }
        encoding->capacity = capacity;
    }
    encoding->count += sedd_bpe_encode(vocabulary->bpe, encoding->work, piece, size,
                                       encoding->ids + encoding->count);
    return SEDD_OK;
}

/* Encodes the words of a part without added tokens. */
static enum sedd_status encode_words(struct encoding *encoding, const char *text, size_t size,
                                     struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    if (encoding->spaced != NULL && text[0] != ' ') {
        encoding->spaced[0] = ' ';
        memcpy(encoding->spaced + 1, text, size);
        text = encoding->spaced;
        size++;
    }
    for (size_t begin = 0, end; begin < size && status == SEDD_OK; begin = end) {
        end = encoding->vocabulary->whole ? size : sedd_pretoken_end(text, size, begin);
        status = encode_piece(encoding, text + begin, end - begin, error);
    }
    return status;
}

/* Encodes a text in which the added tokens of a pass are matched. Pass 0 matches tokens that are
 * not normalized; the parts between them go to pass 1, which matches those that are. */
static enum sedd_status encode_parts(struct encoding *encoding, int pass, const char *text,
                                     size_t size, struct sedd_error *error)
{
    struct sedd_added_match match = {.end = 0};
    enum sedd_status status = SEDD_OK;
    size_t done = 0;
    if (pass == 2) {
        return encode_words(encoding, text, size, error);
    }
    while (status == SEDD_OK && sedd_added_find(&encoding->vocabulary->added, pass == 1, text, size,
                                                match.end, &match)) {
        if (match.left > done) {
            status = encode_parts(encoding, pass + 1, text + done, match.left - done, error);
        }
        encoding->ids[encoding->count++] = match.id;
        done = match.right > done ? match.right : done;
    }
    return status == SEDD_OK && done < size
               ? encode_parts(encoding, pass + 1, text + done, size - done, error)
               : status;
}

enum sedd_status sedd_tokenizer_encode(const struct sedd_tokenizer *tokenizer, const char *text,
                                       size_t size, int32_t **ids, size_t *count,
                                       struct sedd_error *error)
{
    const struct sedd_vocabulary *vocabulary = &tokenizer->vocabulary;
    /* At most one id per byte, and one per prefix space; every part has at least one byte. */
    uint64_t most = (uint64_t)size * (vocabulary->prefix_space ? 2 : 1);
    struct encoding encoding = {.vocabulary = vocabulary};
    encoding.ids = sedd_memory_new(most, sizeof *encoding.ids);
    encoding.spaced = vocabulary->prefix_space ? sedd_memory_new((uint64_t)size + 1, 1) : NULL;
    enum sedd_status status =
        encoding.ids == NULL || (vocabulary->prefix_space && encoding.spaced == NULL)
            ? sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to tokenize %zu bytes", size)
            : SEDD_OK;
    if (status == SEDD_OK) {
        status = encode_parts(&encoding, 0, text, size, error);
    }
    sedd_bpe_work_free(encoding.work);
    sedd_memory_free(encoding.spaced);
    if (status != SEDD_OK) {
        sedd_memory_free(encoding.ids);
        return status;
    }
    *ids = encoding.ids;
    *count = encoding.count;
    return SEDD_OK;
}

/* ---- Ids -> text ------------------------------------------------------------------------- */

enum sedd_status sedd_tokenizer_decode(const struct sedd_tokenizer *tokenizer, const int32_t *ids,
                                       size_t count, char **text, size_t *size,
                                       struct sedd_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        if (sedd_bpe_bytes(tokenizer->vocabulary.bpe, ids[i], &bytes) == NULL) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "id %d at position %zu is not in the vocabulary of %d tokens",
                             (int)ids[i], i, (int)sedd_bpe_size(tokenizer->vocabulary.bpe));
        }
        total += bytes;
    }
    char *out = sedd_memory_new(total + 1, 1);
    if (out == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a text of %llu bytes",
                         (unsigned long long)total);
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        const char *from = sedd_bpe_bytes(tokenizer->vocabulary.bpe, ids[i], &bytes);
        memcpy(out + used, from, bytes);
        used += bytes;
    }
    *text = out;
    *size = used;
    return SEDD_OK;
}
