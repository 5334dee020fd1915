/*
 * test_torch.c - tests that torch files give the same weights as safetensors, that training
 * checkpoints give their averages, that hostile pickles and damaged zips are refused with a
 * sentence, and that SHA-256 gives its known answers.
 */
#include "files/sha256.h"
#include "test.h"
#include "torch_file.h"

#include <stdlib.h>

static struct sedd_error error;

/* ---- Comparing models by their written files --------------------------------------------- */

static uint8_t *written(struct sedd_model *model, size_t *size)
{
    struct sedd_writer *writer = NULL;
    CHECK(sedd_writer_new(model, SEDD_DTYPE_AUTO, &writer, &error) == SEDD_OK);
    *size = (size_t)sedd_writer_size(writer);
    uint8_t *bytes = malloc(*size + 1);
    size_t done = 0, count;
    while ((count = sedd_writer_read(writer, bytes + done, 97 < *size - done ? 97 : *size - done)) >
           0) {
        done += count;
    }
    CHECK(done == *size);
    sedd_writer_free(writer);
    return bytes;
}

static void check_same(struct sedd_model *a, struct sedd_model *b)
{
    size_t size_a, size_b;
    uint8_t *bytes_a = written(a, &size_a), *bytes_b = written(b, &size_b);
    CHECK(size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0);
    free(bytes_a);
    free(bytes_b);
}

static struct sedd_model *load(const char *config, const uint8_t *bytes, size_t size, size_t piece,
                               enum sedd_dtype dtype)
{
    struct sedd_model *model = NULL;
    error.message[0] = '\0';
    if (!CHECK(torch_load(config, bytes, size, piece, dtype, &model, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s\n", error.message);
        exit(test_report("torch"));
    }
    return model;
}

static void check_container(struct checkpoint *checkpoint, const char *config)
{
    static const size_t pieces[] = {0, 1, 7, 64, 1000};
    size_t size;
    uint8_t *bytes = torch_write(checkpoint, &size);
    for (int dtype = SEDD_DTYPE_AUTO; dtype <= SEDD_DTYPE_Q8; dtype++) {
        struct sedd_model *expected = NULL;
        CHECK(checkpoint_load_all(checkpoint, config, (enum sedd_dtype)dtype, &expected, &error) ==
              SEDD_OK);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            struct sedd_model *model = load(config, bytes, size, pieces[i], (enum sedd_dtype)dtype);
            check_same(model, expected);
            sedd_model_free(model);
        }
        sedd_model_free(expected);
    }
    free(bytes);
}

static void test_containers(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    check_container(&c, SEDD_CONFIG);
    checkpoint_clear(&c);
    checkpoint_gpt2(&c, "transformer.");
    check_container(&c, GPT2_CONFIG);
    checkpoint_clear(&c);
}

/* ---- Training checkpoints ---------------------------------------------------------------- */

static int add_storages(struct stored *entries, int count, const struct checkpoint *checkpoint,
                        int first)
{
    for (int i = 0; i < checkpoint->count; i++) {
        const struct entry *entry = &checkpoint->entries[i];
        entries[count] = (struct stored){"", entry->values, entry->count * sizeof(float)};
        snprintf(entries[count].name, sizeof entries[count].name, "data/%d", first + i);
        count++;
    }
    return count;
}

/* Writes {"optimizer": {"state": {0: {"exp_avg": tensor, "step": 3}}, "lr": 3e-4}, "model": ...,
 * "ema":
 * {"decay": 0.9999, "num_updates": 7, "shadow_params": [...]}, "step": 7}, as the reference saves
 * it. */
static uint8_t *write_training(const struct checkpoint *model, const struct checkpoint *averages,
                               bool averaged, size_t *size)
{
    struct bytes pickle = {0};
    struct stored entries[140];
    bytes_add(&pickle, "\x80\2}(", 4);
    pickle_string(&pickle, "optimizer");
    bytes_text(&pickle, "}(");
    pickle_string(&pickle, "state");
    bytes_text(&pickle, "}");
    bytes_add(&pickle, "K\0}(", 4);
    pickle_string(&pickle, "exp_avg");
    pickle_tensor(&pickle, &model->entries[0], 0);
    pickle_string(&pickle, "step");
    bytes_add(&pickle, "K\3us", 4);
    pickle_string(&pickle, "lr");
    bytes_add(&pickle, "G\x3f\x33\xa9\x2a\x30\x55\x32\x61u", 10);
    pickle_string(&pickle, "model");
    pickle_state(&pickle, model, 0);
    pickle_string(&pickle, "ema");
    bytes_text(&pickle, "}(");
    pickle_string(&pickle, "decay");
    bytes_add(&pickle, "G\x3f\xef\xff\x2e\x48\xe8\xa7\x1e", 9);
    pickle_string(&pickle, "num_updates");
    bytes_add(&pickle, "K\7", 2);
    pickle_string(&pickle, "shadow_params");
    bytes_text(&pickle, "](");
    for (int i = 0; averaged && i < averages->count; i++) {
        if (strcmp(averages->entries[i].name, "rotary_emb.inv_freq") != 0) {
            pickle_tensor(&pickle, &averages->entries[i], 100 + i);
        }
    }
    bytes_text(&pickle, "eu");
    pickle_string(&pickle, "step");
    bytes_add(&pickle, "K\7u.", 4);
    entries[0] = (struct stored){"data.pkl", pickle.data, pickle.size};
    int count = add_storages(entries, 1, model, 0);
    count = add_storages(entries, count, averages, 100);
    uint8_t *bytes = torch_zip(entries, count, true, size);
    free(pickle.data);
    return bytes;
}

static void test_training(void)
{
    struct checkpoint model, averages;
    checkpoint_sedd(&model);
    checkpoint_sedd(&averages);
    for (int i = 0; i < averages.count; i++) {
        for (size_t j = 0; j < averages.entries[i].count; j++) {
            averages.entries[i].values[j] *= 0.5f;
        }
    }
    for (int averaged = 0; averaged < 2; averaged++) {
        size_t size;
        uint8_t *bytes = write_training(&model, &averages, averaged != 0, &size);
        struct sedd_model *expected = NULL,
                          *found = load(SEDD_CONFIG, bytes, size, 50, SEDD_DTYPE_F32);
        CHECK(checkpoint_load_all(averaged ? &averages : &model, SEDD_CONFIG, SEDD_DTYPE_F32,
                                  &expected, &error) == SEDD_OK);
        check_same(found, expected);
        sedd_model_free(found);
        sedd_model_free(expected);
        free(bytes);
    }
    checkpoint_clear(&model);
    checkpoint_clear(&averages);
}

/* ---- Hostile pickles --------------------------------------------------------------------- */

static void refuses(const char *pickle, size_t size, const char *words)
{
    size_t zip_size;
    struct sedd_model *model = NULL;
    struct stored entry = {"data.pkl", pickle, size};
    uint8_t *bytes = torch_zip(&entry, 1, true, &zip_size);
    error.message[0] = '\0';
    enum sedd_status status =
        torch_load(SEDD_CONFIG, bytes, zip_size, 0, SEDD_DTYPE_AUTO, &model, &error);
    CHECK((status == SEDD_ERROR_FORMAT || status == SEDD_ERROR_UNSUPPORTED) && model == NULL);
    CHECK_TEXT(error.message, words);
    free(bytes);
}

static void test_hostile(void)
{
    static const struct {
        const char *pickle;
        size_t size;
        const char *words;
    } cases[] = {
#define CASE(pickle, words) {pickle, sizeof pickle - 1, words}
        CASE("\x80\2"
             "cos\nsystem\nX\2\0\0\0id\x85R.",
             "asks for os.system"),
        CASE("\x80\2"
             "cposix\nsystem\n.",
             "asks for posix.system"),
        CASE("\x80\2"
             "c__builtin__\neval\n.",
             "asks for __builtin__.eval"),
        CASE("\x80\2"
             "cbuiltins\nexec\n.",
             "nothing in it is run"),
        CASE("\x80\2"
             "ctorch._utils\n_rebuild_tensor_v2\n)R.",
             "rebuilds a tensor in an unknown way"),
        CASE("\x80\2"
             "ctorch\nFloatStorage\n)R.",
             "calls a storage"),
        CASE("\x80\2"
             "(ios\nsystem\n.",
             "uses the opcode 0x69"),
        CASE("\x80\4"
             "}.",
             "protocol other than 2"),
        CASE("\x80\2"
             "\x8c\2os\x8c\6system\x93.",
             "uses the opcode 0x8c"),
        CASE("\x80\2"
             "}r\xff\xff\xff\xff.",
             "memo larger than any model needs"),
        CASE("\x80\2"
             "}j\7\0\0\0.",
             "reads an empty memo entry"),
        CASE("\x80\2"
             "X\xff\xff\xff\xff"
             "a.",
             "ends within a text"),
        CASE("\x80\2"
             "\x8a\xff\1.",
             "number that is too large"),
        CASE("\x80\2"
             "]q\0h\0a.",
             "holds no state dict"),
        CASE("\x80\2"
             "}q\0X\1\0\0\0ah\0s.",
             "is not a tensor"),
        CASE("\x80\2"
             "}X\x19\0\0\0pytorch-lightning_versioncomegaconf.dictconfig\nDictConfig\n)Rs.",
             "is a Lightning checkpoint (.ckpt); its configuration is a pickled object"),
        CASE("\x80\2"
             "}(X\x5\0\0\0"
             "epochK\1X\x19\0\0\0pytorch-lightning_versionX\1\0\0\0002u.",
             "save the network's state_dict()"),
        CASE("\x80\2"
             "K\1.",
             "holds no state dict"),
        CASE("\x80\2"
             "}",
             "ends without its last opcode"),
        CASE("\x80\2"
             "t.",
             "pops a mark that is not set"),
        CASE("\x80\2"
             "((u.",
             "appends to a value that is not a list or dict"),
        CASE("\x80\2"
             "}}.",
             "leaves values on the stack"),
        CASE("\x80\2"
             "N}b.",
             "sets the state of an object"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(cases[i].pickle, cases[i].size, cases[i].words);
    }
}

/* Depth uses no stack: a million nested lists and a million marks are counted without recursion. */
/* A torch file says in which order its bytes are. */
static void test_byte_order(void)
{
    static const char *const orders[] = {"little", "big"};
    for (int i = 0; i < 2; i++) {
        struct checkpoint c;
        struct bytes pickle = {0};
        struct stored entries[65];
        struct sedd_model *model = NULL;
        struct sedd_error error = {0};
        size_t size;
        checkpoint_sedd(&c);
        bytes_add(&pickle, "\x80\2", 2);
        pickle_state(&pickle, &c, 0);
        bytes_text(&pickle, ".");
        entries[0] = (struct stored){"data.pkl", pickle.data, pickle.size};
        entries[1] = (struct stored){"byteorder", orders[i], strlen(orders[i])};
        for (int k = 0; k < c.count; k++) {
            const struct entry *entry = &c.entries[k];
            entries[k + 2] = (struct stored){"", entry->values, entry->count * sizeof(float)};
            snprintf(entries[k + 2].name, sizeof entries[k + 2].name, "data/%d", k);
        }
        uint8_t *file = torch_zip(entries, c.count + 2, true, &size);
        enum sedd_status status =
            torch_load(SEDD_CONFIG, file, size, 0, SEDD_DTYPE_AUTO, &model, &error);
        CHECK(status == (i == 0 ? SEDD_OK : SEDD_ERROR_UNSUPPORTED));
        CHECK(i == 0 || strstr(error.message, "big-endian") != NULL);
        sedd_model_free(model);
        free(file);
        free(pickle.data);
        checkpoint_clear(&c);
    }
}

static void test_depth(void)
{
    static const char opcodes[] = "](})";
    for (int i = 0; i < 4; i++) {
        struct bytes pickle = {0};
        bytes_add(&pickle, "\x80\2", 2);
        for (int depth = 0; depth < 1000000; depth++) {
            bytes_add(&pickle, &opcodes[i], 1);
        }
        bytes_text(&pickle, ".");
        refuses((const char *)pickle.data, pickle.size, "more values than any model has");
        free(pickle.data);
    }
}

/* ---- Damage ------------------------------------------------------------------------------ */

/* A cut or flipped byte never gives a different model: the file is refused, or the byte is unused.
 */
static void test_damage(void)
{
    struct checkpoint c;
    struct sedd_model *expected = NULL;
    size_t size;
    checkpoint_sedd(&c);
    uint8_t *bytes = torch_write(&c, &size);
    CHECK(checkpoint_load_all(&c, SEDD_CONFIG, SEDD_DTYPE_F32, &expected, &error) == SEDD_OK);
    for (size_t cut = 0; cut < size; cut += cut < 200 || cut + 300 > size ? 1 : 61) {
        struct sedd_model *model = NULL;
        error.message[0] = '\0';
        CHECK(torch_load(SEDD_CONFIG, bytes, cut, 0, SEDD_DTYPE_F32, &model, &error) != SEDD_OK);
        CHECK(error.message[0] != '\0' && model == NULL);
    }
    int refused = 0;
    for (size_t place = 0; place < size; place += 13) {
        struct sedd_model *model = NULL;
        bytes[place] ^= 0x41;
        if (torch_load(SEDD_CONFIG, bytes, size, 0, SEDD_DTYPE_F32, &model, &error) == SEDD_OK) {
            check_same(model, expected);
        } else {
            refused++;
        }
        sedd_model_free(model);
        bytes[place] ^= 0x41;
    }
    CHECK(refused > 800);
    sedd_model_free(expected);
    free(bytes);
    checkpoint_clear(&c);
}

/* ---- SHA-256 ----------------------------------------------------------------------------- */

static void check_digest(const char *text, size_t times, const char *hex)
{
    struct sedd_sha256 sha;
    uint8_t digest[32];
    char found[65];
    sedd_sha256_init(&sha);
    for (size_t i = 0; i < times; i++) {
        sedd_sha256_add(&sha, text, strlen(text));
    }
    sedd_sha256_finish(&sha, digest);
    for (int i = 0; i < 32; i++) {
        snprintf(found + 2 * i, 3, "%02x", digest[i]);
    }
    CHECK_TEXT(found, hex);
}

/* The examples of FIPS 180-2, appendix B, and the empty message. */
static void test_sha256(void)
{
    check_digest("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_digest("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_digest("aaaaaaaaaa", 100000,
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    test_containers();
    test_training();
    test_hostile();
    test_byte_order();
    test_depth();
    test_damage();
    test_sha256();
    return test_report("torch");
}
