/*
 * model.c - describes and frees a loaded model. core/files creates models.
 */
#include "model/model.h"

#include <math.h>

void sedd_model_free(struct sedd_model *model)
{
    if (model == NULL) {
        return;
    }
    for (int32_t i = 0; model->blocks != NULL && i < model->info.n_blocks; i++) {
        struct sedd_block *block = &model->blocks[i];
        struct sedd_linear *linears[] = {&block->qkv, &block->attn_out, &block->mlp_in,
                                         &block->mlp_out, &block->modulation};
        for (size_t j = 0; j < sizeof linears / sizeof linears[0]; j++) {
            sedd_linear_clear(linears[j]);
        }
        sedd_memory_free(block->norm1_weight);
        sedd_memory_free(block->norm1_bias);
        sedd_memory_free(block->norm2_weight);
        sedd_memory_free(block->norm2_bias);
    }
    sedd_memory_free(model->blocks);
    sedd_table_clear(&model->embedding);
    sedd_table_clear(&model->positions);
    sedd_linear_clear(&model->sigma_in);
    sedd_linear_clear(&model->sigma_out);
    sedd_linear_clear(&model->final_modulation);
    sedd_linear_clear(&model->head);
    sedd_memory_free(model->norm_final_weight);
    sedd_memory_free(model->norm_final_bias);
    sedd_memory_free(model);
}

void sedd_model_describe(const struct sedd_model *model, struct sedd_model_info *info)
{
    *info = model->info;
}

const char *sedd_family_name(enum sedd_family family)
{
    static const char *const names[] = {"SEDD", "MDLM", "SDTT", "RADD", "DUO"};
    return names[family];
}

float sedd_model_attention_scale(const struct sedd_model *model, int32_t index)
{
    double head_size = model->info.hidden_size / model->info.n_heads;
    double scale = model->design.unscaled ? 1.0 : 1.0 / sqrt(head_size);
    return (float)(model->design.scaled_by_layer ? scale / (index + 1) : scale);
}
