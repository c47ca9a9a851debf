if header :list "subject" "tag:x,2026:y" { stop; }
