require ["reject"];
reject "No.";
reject "Again.";
