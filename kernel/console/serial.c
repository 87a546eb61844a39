/*
 * The first serial port. Set to 115200 baud, 8N1, at the first byte. Its FIFO stays off, since
 * switching it on throws away what arrived before.
 */
#include <unibuild/io.h>
#include <unibuild/serial.h>

#include <stdbool.h>
#include <stdint.h>

/* Null unless ub_console_listen is in the image. */
#pragma weak ub_serial_listen

#define PORT 0x3f8
#define REGISTER_DATA (PORT + 0)
#define REGISTER_INTERRUPT_ENABLE (PORT + 1)
#define REGISTER_LINE_CONTROL (PORT + 3)
#define REGISTER_MODEM_CONTROL (PORT + 4)
#define REGISTER_LINE_STATUS (PORT + 5)

#define LINE_DIVISOR 0x80
#define LINE_8N1 0x03
#define MODEM_READY 0x03
#define STATUS_RECEIVED 0x01
#define STATUS_TRANSMITTER_EMPTY 0x20

/* A port that is not there reads as all ones: looks ready, swallows bytes, and never receives. */
#define STATUS_ABSENT 0xff

static bool has_received(void)
{
    uint8_t status = ub_port_read8(REGISTER_LINE_STATUS);
    return status != STATUS_ABSENT && (status & STATUS_RECEIVED) != 0;
}

static void prepare(void)
{
    static bool prepared;
    if (prepared) {
        return;
    }
    prepared = true;
    ub_port_write8(REGISTER_INTERRUPT_ENABLE, 0);
    ub_port_write8(REGISTER_LINE_CONTROL, LINE_DIVISOR);
    ub_port_write8(REGISTER_DATA, 1);
    ub_port_write8(REGISTER_INTERRUPT_ENABLE, 0);
    ub_port_write8(REGISTER_LINE_CONTROL, LINE_8N1);
    ub_port_write8(REGISTER_MODEM_CONTROL, MODEM_READY);
}

static void write_bytes(const char *bytes, size_t count)
{
    prepare();
    for (size_t i = 0; i < count; i++) {
        while ((ub_port_read8(REGISTER_LINE_STATUS) & STATUS_TRANSMITTER_EMPTY) == 0) {
            __asm__ volatile("pause");
        }
        ub_port_write8(REGISTER_DATA, (uint8_t)bytes[i]);
    }
}

static size_t read_bytes(char *bytes, size_t count)
{
    prepare();
    size_t taken = 0;
    while (taken < count && has_received()) {
        bytes[taken++] = (char)ub_port_read8(REGISTER_DATA);
    }
    return taken;
}

const struct ub_console_device ub_serial_console = {
    .name = "serial",
    .write = write_bytes,
    .read = read_bytes,
    .listen = ub_serial_listen,
};
