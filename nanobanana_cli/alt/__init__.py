"""Alt text as text: how it is asked for, mended, checked and delivered. Pure."""
