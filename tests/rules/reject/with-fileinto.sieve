require ["reject", "fileinto"];
reject "No.";
fileinto "INBOX.x";
