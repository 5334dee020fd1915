/*
 * test_safetensors.c - tests the header of a .safetensors file: each violation of a layout rule is
 * refused with a sentence that names the tensor. Compares the 16-bit number formats with their
 * definitions.
 */
#include "files/safetensors.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

static enum sedd_status parse(const char *text, struct sedd_header *header,
                              struct sedd_error *error)
{
    /* of exact size, so that a sanitizer detects reads past it */
    size_t size = strlen(text);
    char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, text, size);
    enum sedd_status status = sedd_header_parse(copy, size, header, error);
    free(copy);
    return status;
}

static void refuses(const char *text, const char *words)
{
    struct sedd_error error = {0};
    struct sedd_header header = {.count = 99};
    if (!CHECK(parse(text, &header, &error) == SEDD_ERROR_FORMAT)) {
        fprintf(stderr, "    accepted: %s\n", text);
        return;
    }
    CHECK(header.count == 99 && error.status == SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "model.safetensors");
    if (!CHECK_TEXT(error.message, words)) {
        fprintf(stderr, "    input: %.200s\n", text);
    }
}

#define TENSOR(name, dtype, shape, begin, end)                                                     \
    "\"" name "\": {\"dtype\": \"" dtype "\", \"shape\": " shape ", \"data_offsets\": [" begin     \
    ", " end "]}"

static void test_accepted(void)
{
    struct sedd_error error = {0};
    struct sedd_header header;
    CHECK(parse("{" TENSOR("b", "F16", "[2, 3]", "16",
                           "28") ", \"__metadata__\": {\"format\": "
                                 "\"pt\"}, " TENSOR("a", "F32", "[4]", "0", "16") ", " TENSOR(
                                     "c", "I64", "[]", "28", "36") ", " TENSOR("e"
                                                                               "m"
                                                                               "p"
                                                                               "t"
                                                                               "y",
                                                                               "I"
                                                                               "8",
                                                                               "["
                                                                               "3"
                                                                               ","
                                                                               " "
                                                                               "0"
                                                                               "]",
                                                                               "2"
                                                                               "8",
                                                                               "2"
                                                                               "8") "}  ",
                &header, &error) == SEDD_OK);
    CHECK(header.count == 4);
    CHECK(strcmp(header.tensors[0].name, "a") == 0 && header.tensors[0].rank == 1);
    CHECK(header.tensors[0].element == SEDD_ELEMENT_F32 && header.tensors[0].shape[0] == 4);
    CHECK(strcmp(header.tensors[1].name, "b") == 0 && header.tensors[1].begin == 16);
    CHECK(header.tensors[1].shape[0] == 2 && header.tensors[1].shape[1] == 3);
    CHECK(strcmp(header.tensors[2].name, "empty") == 0 && header.tensors[2].end == 28);
    CHECK(header.tensors[3].element == SEDD_ELEMENT_OTHER && header.tensors[3].rank == 0);
    sedd_header_clear(&header);
    CHECK(parse("{}", &header, &error) == SEDD_OK && header.count == 0);
    sedd_header_clear(&header);
}

static void test_layout(void)
{
    refuses("{" TENSOR("a", "F32", "[2]", "0", "8") ", " TENSOR("b", "F32", "[2]", "4", "12") "}",
            "overlap");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "8") ", " TENSOR("b", "F32", "[2]", "0", "8") "}",
            "overlap");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "8") ", " TENSOR("b", "F32", "[2]", "12", "20") "}",
            "\"b\" begins at byte 12, expected 8");
    refuses("{" TENSOR("a", "F32", "[2]", "4", "12") "}", "expected 0");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "8") ", " TENSOR("a", "F32", "[2]", "8", "16") "}",
            "\"a\" appears twice");
    refuses("{" TENSOR("a", "F32", "[2]", "8", "0") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "7") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "-8", "0") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "0.5", "8.5") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "1e300") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "\"0\"", "\"8\"") "}", "offsets of tensor \"a\"");
    refuses("{" TENSOR("a", "F32", "[2]", "0", "8, 16") "}", "offsets of tensor \"a\"");
    refuses("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": {\"x\": 0, \"y\": 8}}}",
            "offsets of tensor \"a\"");
    refuses("{\"a\": {\"dtype\": \"F32\", \"shape\": [2]}}", "offsets of tensor \"a\"");
}

static void test_shapes_and_types(void)
{
    refuses("{" TENSOR("a", "F32", "[4294967296, 4294967296]", "0", "0") "}", "an invalid size");
    refuses("{" TENSOR("a", "F32", "[4503599627370496, 1024]", "0", "0") "}", "offsets of tensor");
    refuses("{" TENSOR("a", "F32", "[-2]", "0", "8") "}", "an invalid size");
    refuses("{" TENSOR("a", "F32", "[2.5]", "0", "10") "}", "an invalid size");
    refuses("{" TENSOR("a", "F32", "[1e300]", "0", "8") "}", "an invalid size");
    refuses("{" TENSOR("a", "F32", "[\"2\"]", "0", "8") "}", "an invalid size");
    refuses("{" TENSOR("a", "F32", "[1,1,1,1,2]", "0", "8") "}",
            "has no shape, or one of more than 4 sizes");
    refuses("{" TENSOR("a", "F32", "2", "0", "8") "}", "has no shape, or one of more than 4 sizes");
    refuses("{" TENSOR("a", "F32", "{\"x\": 2}", "0", "8") "}",
            "has no shape, or one of more than 4 sizes");
    refuses("{" TENSOR("a", "F8_E5M2", "[2]", "0", "2") "}", "type \"F8_E5M2\"");
    refuses("{" TENSOR("a", "f32", "[2]", "0", "8") "}", "type \"f32\"");
    refuses("{\"a\": {\"shape\": [2], \"data_offsets\": [0, 8]}}", "type \"(none)\"");
    refuses("{\"a\": {\"dtype\": 32, \"shape\": [2], \"data_offsets\": [0, 8]}}",
            "type \"(none)\"");
    refuses("{\"a\": 5}", "\"a\"");
    refuses("{\"a\": null}", "\"a\"");
    refuses("[]", "not an object");
    refuses("17", "not an object");
    refuses("", "not valid JSON");
    refuses("{\"a\": ", "not valid JSON");
    refuses("{} x", "after its JSON");
}

/* Messages truncate a hostile name. */
static void test_long_name(void)
{
    size_t size = 100000;
    char *text = malloc(size + 64);
    memcpy(text, "{\"", 2);
    memset(text + 2, 'n', size);
    strcpy(text + 2 + size, "\": {\"dtype\": \"F32\"}}");
    refuses(text, "nnnnnnnn");
    free(text);
}

static void test_half(void)
{
    const struct {
        uint16_t bits;
        float value;
    } halves[] = {{0x0000, 0.0f},
                  {0x3C00, 1.0f},
                  {0xC000, -2.0f},
                  {0x7BFF, 65504.0f},
                  {0x0400, 0x1p-14f},
                  {0x0001, 0x1p-24f},
                  {0x83FF, -1023.0f * 0x1p-24f},
                  {0x3555, 0.333251953125f}},
      brains[] = {{0x0000, 0.0f},
                  {0x3F80, 1.0f},
                  {0xC000, -2.0f},
                  {0x3EAB, 0.333984375f},
                  {0x0001, 0x1p-133f}};
    float value;
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        sedd_element_read(SEDD_ELEMENT_F16, (const uint8_t *)&halves[i].bits, 1, &value);
        CHECK(value == halves[i].value);
    }
    for (size_t i = 0; i < sizeof brains / sizeof brains[0]; i++) {
        sedd_element_read(SEDD_ELEMENT_BF16, (const uint8_t *)&brains[i].bits, 1, &value);
        CHECK(value == brains[i].value);
    }
    const uint16_t negative_zero = 0x8000, infinite = 0xFC00, nan = 0x7E01;
    sedd_element_read(SEDD_ELEMENT_F16, (const uint8_t *)&negative_zero, 1, &value);
    CHECK(value == 0.0f && signbit(value));
    sedd_element_read(SEDD_ELEMENT_F16, (const uint8_t *)&infinite, 1, &value);
    CHECK(isinf(value) && value < 0.0f);
    sedd_element_read(SEDD_ELEMENT_F16, (const uint8_t *)&nan, 1, &value);
    CHECK(isnan(value));
    const int8_t bytes[] = {-128, 127};
    float both[2];
    sedd_element_read(SEDD_ELEMENT_I8, (const uint8_t *)bytes, 2, both);
    CHECK(both[0] == -128.0f && both[1] == 127.0f);
}

int main(void)
{
    test_accepted();
    test_layout();
    test_shapes_and_types();
    test_long_name();
    test_half();
    return test_report("safetensors");
}
