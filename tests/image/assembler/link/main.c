extern const char ub_image_label[];
extern const unsigned char ub_image_identity[32];
extern const char ub_image_root_start[], ub_image_root_end[];
int add(int, int);
const char *word(int);
int table[3] = {1, 2, 3};
static char buffer[100];
static char entry_stack[64] __attribute__((used));
_Noreturn void start(void);
void start(void)
{
    int sum = add(table[0], ub_image_identity[0]) + word(table[1])[0] + ub_image_label[0];
    buffer[0] = (char)(sum + (ub_image_root_end - ub_image_root_start) + "shared"[sum & 3]);
    for (;;) {
        __asm__ volatile("hlt" : : "r"(buffer), "r"(entry_stack));
    }
}
