if false { keep; } elsif false { keep; }
