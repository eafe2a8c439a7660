"""Episodes at several risk levels, beside the exact answer where there is one."""
