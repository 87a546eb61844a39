const char *word(int n);
const char *word(int n)
{
    return n ? "shared" : "own";
}
