/*
 * fuzz_torch.c - feeds the loader torch files made of hostile bytes: the zip, the pickle, the
 * tensors.
 *
 *     build with -DSEDD_FUZZ=ON -DSEDD_SANITIZE=ON (clang), then
 *     fuzz_torch -max_total_time=60 -dict=tests/fuzz/torch.dict FOUND tests/fuzz/corpus/torch
 *
 * Input: one byte of choices, then a whole file or, with bit 0, a pickle alone, which is put into a
 * sound zip beside the storages of a small SEDD, so that a pickle that grows stays in a file.
 * Bits 1-2: the type asked for; bits 3-7: the size of pieces.
 */
#include "../core/torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the zip around a pickle, without checksums, so that changed bytes are still read. */
static uint8_t *wrap(const struct checkpoint *checkpoint, const uint8_t *pickle, size_t size,
                     size_t *zip_size)
{
    struct stored entries[65] = {{"data.pkl", pickle, size}};
    for (int i = 0; i < checkpoint->count; i++) {
        const struct entry *entry = &checkpoint->entries[i];
        entries[i + 1] = (struct stored){"", entry->values, entry->count * sizeof(float)};
        snprintf(entries[i + 1].name, sizeof entries[i + 1].name, "data/%d", i);
    }
    return torch_zip(entries, checkpoint->count + 1, false, zip_size);
}

/* Reads a loaded model completely by writing it. */
static void read_model(const struct sedd_model *model)
{
    uint8_t bytes[256];
    struct sedd_writer *writer = NULL;
    if (sedd_writer_new(model, SEDD_DTYPE_AUTO, &writer, NULL) == SEDD_OK) {
        while (sedd_writer_read(writer, bytes, sizeof bytes) > 0) {
        }
    }
    sedd_writer_free(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct checkpoint checkpoint;
    if (checkpoint.count == 0) {
        checkpoint_sedd(&checkpoint);
    }
    if (size < 2) {
        return 0;
    }
    struct sedd_error error = {0};
    struct sedd_model *model = NULL;
    size_t file_size = size - 1;
    uint8_t *file = (data[0] & 1) != 0 ? wrap(&checkpoint, data + 1, size - 1, &file_size)
                                       : memcpy(malloc(size), data + 1, size - 1);
    enum sedd_status status = torch_load(SEDD_CONFIG, file, file_size, (size_t)(data[0] >> 3) * 37,
                                         (enum sedd_dtype)((data[0] >> 1) % 3), &model, &error);
    if ((status == SEDD_OK) != (model != NULL) || (status != SEDD_OK && error.message[0] == '\0')) {
        abort();
    }
    if (model != NULL) {
        read_model(model);
    }
    sedd_model_free(model);
    free(file);
    return 0;
}
