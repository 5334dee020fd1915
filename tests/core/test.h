/*
 * test.h - helpers of every C test: a check that prints a failure and continues, a comparison of an
 * error sentence, and an exit code that is 0 only if something was checked and nothing failed.
 */
#ifndef SEDD_TEST_H
#define SEDD_TEST_H

#include <stdio.h>
#include <string.h>

static int test_checks, test_failures;

/* Returns whether `condition` held; `what` is printed when it did not. */
static inline int test_check(int condition, const char *file, int line, const char *what)
{
    test_checks++;
    if (!condition) {
        test_failures++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    return condition;
}

static inline int test_text(const char *text, const char *part, const char *file, int line)
{
    int found = test_check(strstr(text, part) != NULL, file, line, "the text has the words");
    if (!found) {
        fprintf(stderr, "    text: %s\n    words: %s\n", text, part);
    }
    return found;
}

#define CHECK(condition) test_check((condition) ? 1 : 0, __FILE__, __LINE__, #condition)
/* Checks a condition and prints the found values, too, if it fails. */
#define HOLDS(condition, ...)                                                                      \
    do {                                                                                           \
        if (!CHECK(condition)) {                                                                   \
            fprintf(stderr, "    " __VA_ARGS__);                                                   \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)
#define CHECK_TEXT(text, part) test_text(text, part, __FILE__, __LINE__)

static inline int test_report(const char *name)
{
    printf("%s: %d checks, %d failed\n", name, test_checks, test_failures);
    return test_checks > 0 && test_failures == 0 ? 0 : 1;
}

#endif
