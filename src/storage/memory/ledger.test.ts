import { auditSuite } from '../../ca/audit.suite.ts';
import { ledgerSuite } from '../../ca/ledger.suite.ts';
import { memoryLedger } from './ledger.ts';

ledgerSuite('memory', false, () => memoryLedger());
auditSuite('memory', () => memoryLedger());
