#include <stdio.h>

int
main(void)
{
    fputs("weir: no command given\n", stderr);
    return 2;
}
