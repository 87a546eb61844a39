/*
 * dns: an authoritative DNS server for zones in master files.
 *
 *     dns [--listen ADDRESS] [--port NUMBER] [--check] --zone FILE [--zone FILE]…
 *
 * Exit status: 0 after --check, 1 when serving fails, 2 for a wrong command line or zone.
 */
#include "report.h"
#include "server.h"
#include "zone_parser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PORT = 53, STATUS_FAILED = 1, STATUS_WRONG = 2 };

struct options {
    struct sockaddr_in address;
    bool check;
};

static struct zone_database zones;

static int wrong(const char *message, const char *detail)
{
    struct report report = {0};
    report_text(&report, "dns: error: ");
    report_text(&report, message);
    if (detail != NULL) {
        report_text(&report, ": ");
        report_quoted(&report, detail);
    }
    report_line(&report, REPORT_ERROR);
    return STATUS_WRONG;
}

static int wrong_zone(const char *path, const struct zone_error *error)
{
    struct report report = {0};
    report_text(&report, path);
    if (error->place.line != 0) {
        report_text(&report, ":");
        report_number(&report, error->place.line);
        report_text(&report, ":");
        report_number(&report, error->place.column);
    }
    report_text(&report, ": error: ");
    report_text(&report, error->message);
    if (error->detail[0] != '\0') {
        report_text(&report, ": ");
        report_quoted(&report, error->detail);
    }
    report_line(&report, REPORT_ERROR);
    return STATUS_WRONG;
}

/* The argument of the option at *at, which moves on to it; NULL after the last argument. */
static const char *option_value(char **arguments, int *at)
{
    *at += arguments[*at + 1] != NULL;
    return arguments[*at];
}

static bool is_option_with_value(const char *argument)
{
    return strcmp(argument, "--zone") == 0 || strcmp(argument, "--port") == 0 ||
           strcmp(argument, "--listen") == 0;
}

/* Reads the options other than --zone; 0 or the exit status. */
static int read_options(char **arguments, struct options *options)
{
    uint32_t port = 0;
    unsigned files = 0;
    for (int at = 1; arguments[at] != NULL; at++) {
        const char *name = arguments[at];
        if (strcmp(name, "--check") == 0) {
            options->check = true;
            continue;
        }
        if (!is_option_with_value(name)) {
            return wrong("unknown argument (known: --listen ADDRESS, --port NUMBER, --check, "
                         "--zone FILE)",
                         name);
        }
        if (arguments[at + 1] == NULL) {
            return wrong("this option needs a value", name);
        }
        const char *value = option_value(arguments, &at);
        if (strcmp(name, "--zone") == 0) {
            files++;
        } else if (strcmp(name, "--listen") == 0) {
            if (inet_pton(AF_INET, value, &options->address.sin_addr) != 1) {
                return wrong("--listen takes an IPv4 address", value);
            }
        } else if (text_to_number(value, strlen(value), UINT16_MAX, &port) && port != 0) {
            options->address.sin_port = htons((uint16_t)port);
        } else {
            return wrong("--port takes a number from 1 to 65535", value);
        }
    }
    return files != 0 ? 0 : wrong("no zone: give --zone FILE at least once", NULL);
}

/* The path after the `number`th --zone, counted from 0. */
static const char *zone_path(char **arguments, unsigned number)
{
    for (int at = 1; arguments[at] != NULL; at++) {
        if (!is_option_with_value(arguments[at])) {
            continue;
        }
        bool is_zone = strcmp(arguments[at], "--zone") == 0;
        const char *value = option_value(arguments, &at);
        if (is_zone && number-- == 0) {
            return value;
        }
    }
    return NULL;
}

static int read_zone(struct zone_parser *parser, struct zone_builder *builder, const char *path,
                     unsigned number)
{
    struct zone_error error = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return wrong("cannot open the zone file", path);
    }
    zone_lexer_open_file(&parser->lexer, file);
    bool done = zone_parse(parser, (uint16_t)number, builder, &error);
    close(file);
    return done ? 0 : wrong_zone(path, &error);
}

/* Reads every --zone; 0 or the exit status. */
static int read_zones(char **arguments)
{
    static struct zone_parser parser;
    struct zone_builder builder;
    struct zone_error error = {0};
    if (!zone_builder_create(&builder, &zones)) {
        return wrong("out of memory", NULL);
    }
    unsigned number = 0;
    for (const char *path = zone_path(arguments, 0); path != NULL;
         path = zone_path(arguments, ++number)) {
        int status = read_zone(&parser, &builder, path, number);
        if (status != 0) {
            return status;
        }
    }
    if (!zone_builder_finish(&builder, &error)) {
        return wrong_zone(zone_path(arguments, error.place.file), &error);
    }
    zone_builder_release(&builder);
    return 0;
}

static void say_ready(const struct sockaddr_in *address)
{
    struct report report = {0};
    const uint8_t *octets = (const uint8_t *)&address->sin_addr;
    report_text(&report, "dns: ready, zones: ");
    report_number(&report, zones.zones);
    report_text(&report, ", address: ");
    for (unsigned i = 0; i < sizeof address->sin_addr; i++) {
        report_text(&report, i == 0 ? "" : ".");
        report_number(&report, octets[i]);
    }
    report_text(&report, ":");
    report_number(&report, ntohs(address->sin_port));
    report_line(&report, REPORT_OUTPUT);
}

int main(int count, char **arguments)
{
    (void)count;
    struct options options = {
        .address = {.sin_family = AF_INET, .sin_port = htons(DEFAULT_PORT)},
    };
    int status = read_options(arguments, &options);
    if (status == 0) {
        status = read_zones(arguments);
    }
    if (status != 0 || options.check) {
        return status;
    }
    struct report report = {0};
    const char *failed = server_run(&zones, &options.address, say_ready);
    report_text(&report, "dns: error: ");
    report_text(&report, failed);
    report_text(&report, " (errno ");
    report_number(&report, (uint32_t)errno);
    report_text(&report, ")");
    report_line(&report, REPORT_ERROR);
    return STATUS_FAILED;
}
