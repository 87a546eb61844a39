int unused_function(void)
{
    return 7;
}
int unused_data = 3;
