require ["encoded-character", "fileinto"];
fileinto "${unicode:100000000000000000000000000000041}";
