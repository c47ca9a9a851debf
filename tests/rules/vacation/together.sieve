require ["vacation", "fileinto", "copy"];
vacation :days 18446744073709551615 "x";
fileinto :copy "INBOX";
redirect "a@example.net";
keep;
discard;
