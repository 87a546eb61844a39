static void (*volatile call)(int);

__attribute__((noinline)) static void inner(int step)
{
    *(volatile int *)(long)step = 1;
}

__attribute__((noinline)) void outer(int step)
{
    call(step);
    __asm__ volatile("");
}

int main(void)
{
    call = inner;
    outer(16);
    return 0;
}
