require ["reject", "fileinto", "copy"];
fileinto :copy "INBOX.x";
reject "No.";
