/*
 * option_flags.c - reads the flags that are rows of a table of options into its struct, and prints
 * the table of sampling options (`sedd options`).
 */
#include "diffusion/options.h"
#include "field_flags.h"
#include "json.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* Returns the source for flags, which may name the rows of the command. */
static struct sedd_field_source source_of(const struct cli *cli)
{
    return (struct sedd_field_source){.where = "",
                                      .call = SEDD_CALL_BY_FLAG,
                                      .uses = cli->definition->uses,
                                      .status = SEDD_ERROR_ARGUMENT};
}

/* Returns a flag's text as JSON. Text that is not a number stays text, so that the error quotes it.
 */
static cJSON *value_of(const struct sedd_field *field, const char *text)
{
    bool number = field->type == SEDD_FIELD_INTEGER || field->type == SEDD_FIELD_NUMBER;
    if (field_is_switch(field)) {
        return cJSON_CreateBool(field->type == SEDD_FIELD_SWITCH);
    }
    char *end = NULL;
    double value = number ? strtod(text, &end) : 0.0;
    bool plain = text[strspn(text, "+-.0123456789eE")] == '\0';
    return number && plain && end != text && *end == '\0' ? cJSON_CreateNumber(value)
                                                          : cJSON_CreateString(text);
}

/* Returns the flags that are rows of the command's table as an object, owned. */
static cJSON *given_fields(const struct cli *cli)
{
    const struct command *command = cli->definition;
    cJSON *root = cJSON_CreateObject();
    char flag[48];
    for (size_t i = 0; i < command->fields->count; i++) {
        const struct sedd_field *field = &command->fields->rows[i];
        const char *text = field_is_flag(command, field)
                               ? cli_text(cli, field_flag(field, flag, sizeof flag))
                               : NULL;
        if (text != NULL) {
            cJSON_AddItemToObject(root, field->name, value_of(field, text));
        }
    }
    return root;
}

void cli_fields(const struct cli *cli, void *options)
{
    struct sedd_error error;
    struct sedd_field_source source = source_of(cli);
    cJSON *root = given_fields(cli);
    if (sedd_fields_read(*cli->definition->fields, &source, root, options, &error) != SEDD_OK) {
        cli_usage(cli, error.message, "");
    }
    cJSON_Delete(root);
}

bool cli_sampling(const struct cli *cli, enum sedd_kind kind, struct sedd_sample_options *options)
{
    struct sedd_error error;
    struct sedd_field_source source = source_of(cli);
    source.uses &= sedd_field_uses(kind) | SEDD_FIELD_OF_TOOL;
    if (kind == SEDD_KIND_SEDD &&
        sedd_sample_defaults_open(cli->folder, options, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    cJSON *root = given_fields(cli);
    if (sedd_sample_read_from(&source, root, options, &error) != SEDD_OK) {
        cli_usage(cli, error.message, "");
    }
    cJSON_Delete(root);
    return true;
}

void cli_refuse_fields(const struct cli *cli, const char *flags, const char *sentence)
{
    const struct command *command = cli->definition;
    char flag[48];
    cli_refuse(cli, flags, sentence);
    for (size_t i = 0; i < command->fields->count; i++) {
        const struct sedd_field *field = &command->fields->rows[i];
        if (field_is_flag(command, field)) {
            cli_refuse(cli, field_flag(field, flag, sizeof flag), sentence);
        }
    }
}

/* ---- What there is ----------------------------------------------------------------------- */

/* Prints the words of a list as JSON strings, without their old names. */
static void print_words(const char *words)
{
    for (const char *word = words; *word != '\0'; word += *word == ' ') {
        printf(word == words ? "" : ",");
        json_string(stdout, word, strcspn(word, " |"));
        word += strcspn(word, " ");
    }
}

static const char *type_name(const struct sedd_field *field)
{
    switch (field->type) {
    case SEDD_FIELD_INTEGER: return "integer";
    case SEDD_FIELD_NUMBER: return "number";
    case SEDD_FIELD_SEED: return "seed";
    case SEDD_FIELD_WORD: return "word";
    default: return "boolean";
    }
}

static void print_field(const struct sedd_field *field)
{
    bool number = field->type == SEDD_FIELD_INTEGER || field->type == SEDD_FIELD_NUMBER;
    char flag[48];
    printf("{\"name\":\"%s\",\"flag\":\"%s\",\"type\":\"%s\"", field->name,
           field_flag(field, flag, sizeof flag), type_name(field));
    if ((field->uses & SEDD_FIELD_OF_FILE) != 0) {
        printf(",\"key\":\"%s\"", field->key);
    }
    if (number) {
        printf(",\"low\":%.17g,\"high\":%.17g,\"default\":%.17g", field->low, field->high,
               field->fallback);
    }
    if (field->type == SEDD_FIELD_WORD) {
        printf(",\"words\":[");
        print_words(field->words);
        putchar(']');
    }
    printf(",\"sedd\":%s,\"gpt2\":%s,\"help\":",
           (field->uses & SEDD_FIELD_OF_SEDD) != 0 ? "true" : "false",
           (field->uses & SEDD_FIELD_OF_GPT2) != 0 ? "true" : "false");
    json_string(stdout, field->help, strlen(field->help));
    putchar('}');
}

int run_options(struct cli *cli)
{
    if (!cli_has(cli, "--json")) {
        const struct command all = {.fields = &SEDD_SAMPLE_FIELDS,
                                    .uses = SEDD_FIELD_OF_SEDD | SEDD_FIELD_OF_TOOL};
        cli_print_fields(&all, stdout);
        return 0;
    }
    for (size_t i = 0; i < SEDD_SAMPLE_FIELDS.count; i++) {
        printf(i == 0 ? "[" : ",\n ");
        print_field(&SEDD_SAMPLE_FIELDS.rows[i]);
    }
    printf("]\n");
    return 0;
}
