require "extlists";
if header :list :comparator "i;octet" "subject" "tag:x,2026:y" { stop; }
redirect :list "tag:x,2026:y";
if header :list :is "subject" "tag:x,2026:y" { stop; }
# no mistake, but a warning
if header :list "subject" "tag:x,2026:y" { stop; }
