require "spamtest";
if spamtest 3 { stop; }
if spamtest ["3", "4"] { stop; }
if spamtest :percent "3" { stop; }
