require ["variables", "environment"]; set "x" "${env.name}";
