/* random.c - implements random.h. */
#include "random.h"

struct block {
    uint32_t word[4];
};

static uint32_t multiply_high(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

static struct block philox(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                           uint32_t draw)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    struct block x = {{draw, position, step, (uint32_t)stream}};
    for (int round = 0; round < 10; round++) {
        uint32_t high0 = multiply_high(0xD2511F53u, x.word[0]), low0 = 0xD2511F53u * x.word[0];
        uint32_t high1 = multiply_high(0xCD9E8D57u, x.word[2]), low1 = 0xCD9E8D57u * x.word[2];
        x = (struct block){{high1 ^ x.word[1] ^ key0, low1, high0 ^ x.word[3] ^ key1, low0}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return x;
}

double sedd_random_uniform(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                           uint32_t draw)
{
    struct block x = philox(seed, stream, step, position, draw);
    uint64_t bits = ((uint64_t)(x.word[0] >> 5) << 26) | (x.word[1] >> 6);
    return (double)bits * 0x1p-53;
}

float sedd_random_below_one(double uniform)
{
    float rounded = (float)uniform;
    return rounded < 1.0f ? rounded : 0x1.fffffep-1f;
}

void sedd_random_floats(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                        float *values, uint32_t count)
{
    for (uint32_t first = 0; first < count; first += 4) {
        struct block x = philox(seed, stream, step, position, first / 4);
        for (uint32_t i = 0; i < 4 && first + i < count; i++) {
            values[first + i] = (float)(x.word[i] >> 8) * 0x1p-24f;
        }
    }
}
