-- Notes a sign of life, if one is due.

return touch()
