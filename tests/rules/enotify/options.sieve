require "enotify";
notify :options ["a-b.c_d=", "x=y=z"] "mailto:a@example.org";
