int parse(void)
{
    return count;
}
