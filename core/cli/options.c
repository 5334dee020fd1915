/* options.c - implements options.h. */
#include "field_flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char COMMON[] = " --kernels --threads --dtype --help! ";

void cli_usage(const struct cli *cli, const char *sentence, const char *detail)
{
    fprintf(stderr, "sedd %s: %s%s\nusage: sedd %s %s\n", cli->command, sentence, detail,
            cli->command, cli->definition->help);
    exit(EXIT_USAGE);
}

/* Returns 1 for a flag with a value, 0 for one without, -1 for an unknown one. */
static int flag_kind(const struct cli *cli, const char *flag)
{
    char with_end[64];
    const char *lists[] = {COMMON, cli->definition->flags};
    for (size_t i = 0; i < 2; i++) {
        snprintf(with_end, sizeof with_end, " %.50s ", flag);
        if (strstr(lists[i], with_end) != NULL) {
            return 1;
        }
        snprintf(with_end, sizeof with_end, " %.50s! ", flag);
        if (strstr(lists[i], with_end) != NULL) {
            return 0;
        }
    }
    bool takes_value;
    return cli_has_field(cli, flag, &takes_value) ? takes_value : -1;
}

bool cli_check(const struct cli *cli)
{
    for (int i = 0; i < cli->argument_count; i++) {
        int kind = flag_kind(cli, cli->arguments[i]);
        if (kind < 0) {
            cli_usage(cli, "unknown option ", cli->arguments[i]);
        }
        if (kind == 1 && ++i == cli->argument_count) {
            cli_usage(cli, "a value is missing after ", cli->arguments[i - 1]);
        }
    }
    return true;
}

void cli_refuse(const struct cli *cli, const char *flags, const char *sentence)
{
    char flag[64];
    for (const char *word = flags + strspn(flags, " "); *word != '\0'; word += strspn(word, " !")) {
        size_t size = strcspn(word, " !");
        snprintf(flag, sizeof flag, "%.*s", (int)size, word);
        if (cli_has(cli, flag)) {
            cli_usage(cli, sentence, flag);
        }
        word += size;
    }
}

const char *cli_text(const struct cli *cli, const char *flag)
{
    const char *found = NULL;
    for (int i = 0; i < cli->argument_count; i++) {
        int kind = flag_kind(cli, cli->arguments[i]);
        bool match = strcmp(cli->arguments[i], flag) == 0;
        i += kind == 1;
        if (match) {
            found = kind == 1 ? cli->arguments[i] : "";
        }
    }
    return found;
}

bool cli_has(const struct cli *cli, const char *flag)
{
    return cli_text(cli, flag) != NULL;
}

double cli_number(const struct cli *cli, const char *flag, double fallback, double low, double high)
{
    const char *text = cli_text(cli, flag);
    if (text == NULL) {
        return fallback;
    }
    char *end, message[96];
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        snprintf(message, sizeof message, "%s expects a number from %g to %g, not ", flag, low,
                 high);
        cli_usage(cli, message, text);
    }
    return value;
}

int32_t cli_integer(const struct cli *cli, const char *flag, int32_t fallback, int32_t low,
                    int32_t high)
{
    double value = cli_number(cli, flag, fallback, low, high);
    if (value != (double)(int32_t)value) {
        cli_usage(cli, "a whole number is expected for ", flag);
    }
    return (int32_t)value;
}

int32_t cli_word(const struct cli *cli, const char *flag, const char *words)
{
    const char *text = cli_text(cli, flag), *word = words;
    char message[160];
    for (int32_t i = 0; text != NULL; i++) {
        size_t size = strcspn(word, " ");
        if (strlen(text) == size && strncmp(text, word, size) == 0) {
            return i;
        }
        if (word[size] == '\0') {
            snprintf(message, sizeof message, "%s is one of %s, not ", flag, words);
            cli_usage(cli, message, text);
        }
        word += size + 1;
    }
    return 0;
}

int32_t *cli_parse_ids(const struct cli *cli, const char *text, size_t *count)
{
    size_t capacity = 1;
    for (const char *c = text; *c != '\0'; c++) {
        capacity += *c == ',';
    }
    int32_t *ids = calloc(capacity, sizeof *ids);
    *count = 0;
    for (char *end; ids != NULL && *text != '\0'; text = *end == ',' ? end + 1 : end) {
        long value = strtol(text, &end, 10);
        size_t blank = strspn(end, " \r\n");
        bool last = end[blank] == '\0';
        if (end == text || (*end != ',' && !last) || value != (int32_t)value) {
            cli_usage(cli, "expected whole numbers with commas between, found ", text);
        }
        ids[(*count)++] = (int32_t)value;
        end += last ? blank : 0;
    }
    if (ids == NULL) {
        fprintf(stderr, "sedd: no memory for %zu ids\n", capacity);
        exit(EXIT_FAILED);
    }
    return ids;
}

int32_t *cli_ids(const struct cli *cli, const char *flag, size_t *count)
{
    const char *text = cli_text(cli, flag);
    if (text == NULL) {
        cli_usage(cli, "it needs ", flag);
    }
    return cli_parse_ids(cli, text, count);
}

int cli_fail(const struct sedd_error *error)
{
    fprintf(stderr, "sedd: %s\n", error->message);
    return EXIT_FAILED;
}

char *cli_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t capacity = 0, used = 0;
    while (file != NULL) {
        capacity = capacity == 0 ? 1 << 16 : 2 * capacity;
        char *larger = realloc(text, capacity + 1);
        if (larger == NULL) {
            break;
        }
        text = larger;
        used += fread(text + used, 1, capacity - used, file);
        if (used < capacity) {
            break;
        }
    }
    if (file == NULL || ferror(file) || text == NULL) {
        fprintf(stderr, "sedd: %s cannot be read: %s\n", path, strerror(errno));
        exit(EXIT_FAILED);
    }
    fclose(file);
    text[used] = '\0';
    *size = used;
    return text;
}
