// What a Lambda function in Node.js would have to load at least for the job of these here: clients for
// DynamoDB and Secrets Manager. It asks for work, and does none. Only figures.sh runs it.
import http from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export const clients = [new DynamoDBClient({}), new SecretsManagerClient({})];
http.get(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next`);
