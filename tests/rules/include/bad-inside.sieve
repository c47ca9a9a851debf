require ["include", "fileinto"];
include "unrequired";
