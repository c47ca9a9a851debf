require ["fileinto", "mailbox", "copy"];
fileinto :create "A";
fileinto "B";
fileinto :copy :create "C";
