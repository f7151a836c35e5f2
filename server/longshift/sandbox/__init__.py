"""Running a command that a model chose. The only room that starts one."""
